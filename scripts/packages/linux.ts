// The packages for Linux with glibc.
import { basename, dirname } from "node:path";
import { pinnedWheels } from "../../src/setup/install-libtorch.ts";
import { gnuToolchain } from "./gnu.ts";
import { mkl, mklTexts } from "./mkl.ts";
import { type Component, isHeaderOrLicence, libtorchParts, type Platform, pinned } from "./platform.ts";

const libgomp: Component = {
  name: "GNU OpenMP runtime (libgomp)",
  version: "of GCC 13",
  licence: "GPL-3.0-or-later WITH GCC-exception-3.1",
  where: "lib/libgomp.so.1",
  texts: ["licences/gcc-runtime.txt"],
};

const nvidiaLicence = (wheel: string) => `${wheel}.dist-info/licenses/License.txt`;

/** Where NVIDIA's wheels have their libraries. */
const nvidiaFolder = "nvidia/cu13/lib";
const libraries = ["torch/lib", nvidiaFolder];

/** Whether it is one of the two that libtorch_cpu.so links, whether there is a GPU or not. */
const isNvidiaLibrary = (path: string) =>
  dirname(path) === nvidiaFolder && /^lib(cudart|cupti)\.so/.test(basename(path));

/** They are shipped, so their licences are too. */
const nvidiaParts: Component[] = [
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
];

export const linuxX64: Platform = {
  name: "linux-x64",
  fields: { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
  wheels: [...pinnedWheels("cpu"), mkl],
  isWanted: (path) =>
    isHeaderOrLicence(path) ||
    mklTexts.includes(path) ||
    (dirname(path) === "torch/lib" && /^lib(torch_cpu|c10|gomp)\b/.test(basename(path))) ||
    isNvidiaLibrary(path),
  libraries,
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
    ...nvidiaParts,
  ],
  toolchain: gnuToolchain(process.arch === "x64" ? "" : "x86_64-linux-gnu-"),
};

/** A file of torch/lib that the addon needs, on arm64 with the libraries of Arm and NVIDIA that libtorch_cpu.so links. */
const isArmLibrary = (name: string) =>
  /^lib(torch_cpu|c10|gomp|arm_compute(_graph)?|nvpl_(blas|lapack)_(core|lp64_gomp))\.so/.test(name);

export const linuxArm64: Platform = {
  name: "linux-arm64",
  fields: { os: ["linux"], cpu: ["arm64"], libc: ["glibc"] },
  wheels: [
    pinned(
      "torch",
      "torch-2.11.0-cp312-cp312-manylinux_2_28_aarch64.whl",
      "f99924682ef0aa6a4ab3b1b76f40dc6e273fca09f367d15a524266db100a723f",
      419731115,
      "663b5a78dd5e8d72032e95225ad4e0caac07fbfda69cd4c12b3f8823f6e91a27",
    ),
    pinned(
      "nvidia-cuda-runtime",
      "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
      "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
      2261060,
    ),
    pinned(
      "nvidia-cuda-cupti",
      "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl",
      "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
      10310827,
    ),
  ],
  isWanted: (path) =>
    isHeaderOrLicence(path) ||
    (dirname(path) === "torch/lib" && isArmLibrary(basename(path))) ||
    isNvidiaLibrary(path),
  libraries,
  components: [
    ...libtorchParts("lib/libtorch_cpu.so", "lib/libc10.so"),
    {
      name: "Arm Compute Library",
      version: "52.6.0",
      licence: "MIT",
      where: "lib/libarm_compute.so, lib/libarm_compute_graph.so",
      texts: ["licences/arm-compute-library.txt"],
    },
    {
      name: "NVIDIA Performance Libraries (BLAS, LAPACK)",
      version: "as in libtorch 2.11.0",
      licence: "NVIDIA Software License Agreement for NVPL",
      where: "lib/libnvpl_*.so.0",
      texts: ["licences/nvpl.txt"],
    },
    libgomp,
    ...nvidiaParts,
  ],
  toolchain: gnuToolchain(process.arch === "arm64" ? "" : "aarch64-linux-gnu-"),
};
