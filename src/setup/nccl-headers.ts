// Whether the addon can be built with NCCL: where libtorch has its library for CUDA and the headers of CUDA and NCCL are there.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** Headers that c10d's NCCL includes. */
const needed = ["cuda_runtime_api.h", "crt/host_defines.h", "cusparse.h", "nccl.h"];

/**
 * Folders of headers to compile with, those of NVIDIA's wheels beside libtorch: others may be of another version.
 * @returns none where one of them is missing: then tensors on a GPU have no collectives
 */
export function ncclHeaders(libtorch: string): string[] {
  if (!existsSync(join(libtorch, "lib", "libtorch_cuda.so"))) return [];
  const wheels = join(dirname(libtorch), "nvidia");
  const places = ["cu13", "nccl"].map((name) => join(wheels, name, "include"));
  const folders = needed.map((header) => places.find((place) => existsSync(join(place, header))));
  const cccl = places.map((place) => join(place, "cccl")).find((place) => existsSync(place));
  if (folders.includes(undefined)) return [];
  return [...new Set([...folders, cccl].filter((folder) => folder !== undefined))];
}
