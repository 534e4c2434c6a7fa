// Whether the addon can be built with NCCL: where libtorch has its library for CUDA and the headers of CUDA and NCCL are there.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** Headers that c10d's NCCL includes, and where they may be below the folder that holds `torch`, or in an installed CUDA. */
const needed = ["cuda_runtime_api.h", "crt/host_defines.h", "cusparse.h", "nccl.h"];

/**
 * Folders of headers to compile with, those of NVIDIA's wheels beside libtorch or of an installed CUDA.
 * @returns none where one of them is missing: then tensors on a GPU have no collectives
 */
export function ncclHeaders(libtorch: string, env: NodeJS.ProcessEnv = process.env): string[] {
  if (!existsSync(join(libtorch, "lib", "libtorch_cuda.so"))) return [];
  const wheels = join(dirname(libtorch), "nvidia");
  const installed = env["CUDA_HOME"] || "/usr/local/cuda";
  const places = [
    join(wheels, "cu13", "include"),
    join(wheels, "nccl", "include"),
    join(installed, "include"),
    "/usr/include",
  ];
  const folders = needed.map((header) => places.find((place) => existsSync(join(place, header))));
  const cccl = places.map((place) => join(place, "cccl")).find((place) => existsSync(place));
  if (folders.includes(undefined)) return [];
  const found = [...folders, cccl].filter((folder) => folder !== undefined);
  return [...new Set(found)].filter((folder) => folder !== "/usr/include");
}
