// The package for Windows.
import { basename, dirname } from "node:path";
import { mkl, mklTexts } from "./mkl.ts";
import { peToolchain } from "./pe.ts";
import { isHeaderOrLicence, libtorchParts, type Platform, pinned } from "./platform.ts";

export const win32X64: Platform = {
  name: "win32-x64",
  fields: { os: ["win32"], cpu: ["x64"] },
  wheels: [
    pinned(
      "torch",
      "torch-2.11.0-cp312-cp312-win_amd64.whl",
      "fbf39280699d1b869f55eac536deceaa1b60bd6788ba74f399cc67e60a5fab10",
      114556047,
      "0a87cb12276a06b657a39925bd3ce764e3f853029acb01d8c39b8e1045ede1c4",
    ),
    mkl,
  ],
  isWanted: (path) =>
    isHeaderOrLicence(path) ||
    mklTexts.includes(path) ||
    (dirname(path) === "torch/lib" &&
      /^(torch_cpu|c10)\.(dll|lib)$|^(libiomp5md|uv)\.dll$/.test(basename(path))),
  // Microsoft's C++ runtime, which may be distributed with a program, is the one of the machine that the package is made on.
  libraries: ["torch/lib", "C:/Windows/System32"],
  components: [
    ...libtorchParts("lib/torch_cpu.dll", "lib/c10.dll"),
    {
      name: "Intel oneMKL, and Intel's OpenMP runtime",
      version: "2024, and 5.0.20250910",
      licence: "Intel Simplified Software License",
      where: "lib/torch_cpu.dll, and lib/libiomp5md.dll",
      texts: mklTexts,
    },
    {
      name: "libuv",
      version: "as in libtorch 2.11.0",
      licence: "MIT",
      where: "lib/uv.dll",
      texts: ["licences/libuv.txt"],
    },
    {
      name: "Microsoft Visual C++ runtime",
      version: "of the machine that the package was made on",
      licence: "Microsoft's licence terms for Visual Studio (redistributable code)",
      where: "lib/msvcp140.dll, lib/vcruntime140.dll, lib/vcruntime140_1.dll",
      texts: ["licences/microsoft-runtime.txt"],
    },
  ],
  toolchain: peToolchain,
};
