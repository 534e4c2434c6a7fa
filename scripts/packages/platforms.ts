// The platforms that have a prebuilt package, and what each is made of.
import { basename, dirname } from "node:path";
import { pinnedWheels } from "../../src/setup/install-libtorch.ts";
import type { Wheel } from "../../src/setup/pip.ts";
import { gnuToolchain } from "./gnu.ts";
import type { Toolchain } from "./toolchain.ts";

/** A part of a package that others wrote. */
export interface Component {
  name: string;
  version: string;
  /** SPDX, or in words. */
  licence: string;
  /** Where it is in the package. */
  where: string;
  /** Texts: files of the wheels, or of `licences` beside this file. */
  texts: readonly string[];
}

/** A kind of machine, and how its package is made. */
export interface Platform {
  /** As Node names system and processor: linux-x64. */
  name: string;
  /** By which npm installs the package, or does not. */
  fields: { os: [string]; cpu: [string]; libc?: [string] };
  /** Libraries, headers and licences; torch's first. */
  wheels: readonly Wheel[];
  /** What is taken of the wheels. */
  isWanted(path: string): boolean;
  /** Folders of libraries, in the unpacked wheels unless they are absolute. */
  libraries: readonly string[];
  components: readonly Component[];
  toolchain: Toolchain;
}

/** The version of libtorch in every package. */
const torch = "torch-2.11.0.dist-info/licenses";
const nvidiaLicence = (wheel: string) => `${wheel}.dist-info/licenses/License.txt`;

/** A wheel whose files are read in part. */
function pinned(name: string, file: string, hash: string, size: number, record: string): Wheel {
  return { requirement: `${name} --hash=sha256:${hash}`, name, file, hash, size, record };
}

/** The wheel with the licence of the MKL that is linked into libtorch (`torch.__config__` names its version). */
const mkl = pinned(
  "mkl",
  "mkl-2024.2.2-py2.py3-none-manylinux1_x86_64.whl",
  "915e81274ac20964e60156ed940e0eeb29dab0c282b915ad2e231db0021b980d",
  195506888,
  "ce91ae08ebb7ef17bb328d968031f3a4070a2390a0a3e078635dcef249dad1ee",
);
const mklTexts = [
  "mkl-2024.2.2.dist-info/LICENSE.txt",
  "mkl-2024.2.2.data/data/share/doc/mkl/licensing/third-party-programs.txt",
];

const isHeaderOrLicence = (path: string) =>
  /^torch\/(include\/|version\.py$)|\.dist-info\/(licenses\/|LICENSE)/.test(path) || mklTexts.includes(path);

const libtorchParts = (library: string, file: string): Component[] => [
  {
    name: "libtorch",
    version: "2.11.0",
    licence: "BSD-3-Clause",
    where: `${library}, ${file}`,
    texts: [`${torch}/LICENSE`, `${torch}/NOTICE`],
  },
  {
    name: "oneDNN and the other libraries in libtorch",
    version: "as in libtorch 2.11.0",
    licence: "Apache-2.0 (oneDNN), and those that libtorch's licence file lists",
    where: library,
    texts: [`${torch}/LICENSE`],
  },
];

const libgomp: Component = {
  name: "GNU OpenMP runtime (libgomp)",
  version: "of GCC 13",
  licence: "GPL-3.0-or-later WITH GCC-exception-3.1",
  where: "lib/libgomp.so.1",
  texts: ["licences/gcc-runtime.txt"],
};

const linuxX64: Platform = {
  name: "linux-x64",
  fields: { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
  wheels: [...pinnedWheels("cpu"), mkl],
  isWanted: (path) =>
    isHeaderOrLicence(path) ||
    (dirname(path) === "torch/lib" && /^lib(torch_cpu|c10|gomp)\b/.test(basename(path))) ||
    /^nvidia\/cu13\/lib\/lib(cudart|cupti)\.so/.test(path),
  libraries: ["torch/lib", "nvidia/cu13/lib"],
  components: [
    ...libtorchParts("lib/libtorch_cpu.so", "lib/libc10.so"),
    {
      name: "Intel oneMKL",
      version: "2024.2",
      licence: "Intel Simplified Software License",
      where: "lib/libtorch_cpu.so",
      texts: mklTexts,
    },
    libgomp,
    {
      name: "NVIDIA CUDA runtime",
      version: "13.0.96",
      licence: "CUDA Toolkit End User License Agreement (libcudart.so: Attachment A, distributable)",
      where: "lib/libcudart.so.13, which libtorch_cpu.so links whether there is a GPU or not",
      texts: [nvidiaLicence("nvidia_cuda_runtime-13.0.96")],
    },
    {
      name: "NVIDIA CUPTI",
      version: "13.0.85",
      licence: "CUDA Toolkit End User License Agreement (libcupti.so: Attachment A, distributable)",
      where: "lib/libcupti.so.13, which libtorch_cpu.so links whether there is a GPU or not",
      texts: [nvidiaLicence("nvidia_cuda_cupti-13.0.85")],
    },
  ],
  toolchain: gnuToolchain(process.arch === "x64" ? "" : "x86_64-linux-gnu-"),
};

/** Every platform that has a package. */
export const platforms: readonly Platform[] = [linuxX64];
