// The package for Macs with Apple's processors. libtorch for them has neither oneDNN nor MKL, but Apple's Accelerate.
import { basename, dirname } from "node:path";
import { machOToolchain } from "./mach-o.ts";
import { isHeaderOrLicence, libtorchParts, type Platform, pinned } from "./platform.ts";

export const darwinArm64: Platform = {
  name: "darwin-arm64",
  fields: { os: ["darwin"], cpu: ["arm64"] },
  wheels: [
    pinned(
      "torch",
      "torch-2.11.0-cp312-cp312-macosx_11_0_arm64.whl",
      "4b5866312ee6e52ea625cd211dcb97d6a2cdc1131a5f15cc0d87eec948f6dd34",
      80606338,
      "a1693bf3a108f18c90a8da5a2c923c8a7298dc42dd5c464c911ce6e34e0ad4b2",
    ),
  ],
  isWanted: (path) =>
    isHeaderOrLicence(path) ||
    (dirname(path) === "torch/lib" && /^lib(torch_cpu|c10|omp)\.dylib$/.test(basename(path))),
  libraries: ["torch/lib"],
  components: [
    ...libtorchParts("lib/libtorch_cpu.dylib", "lib/libc10.dylib"),
    {
      name: "LLVM OpenMP runtime (libomp)",
      version: "5.0.20140926, as it names itself",
      licence: "Apache-2.0 WITH LLVM-exception",
      where: "lib/libomp.dylib",
      texts: ["licences/llvm.txt"],
    },
  ],
  toolchain: machOToolchain,
};
