// The licence of the MKL that is linked into libtorch for x86.
import { pinned } from "./platform.ts";

/** The wheel with the licence of the MKL that is linked into libtorch (`torch.__config__` names its version). */
export const mkl = pinned(
  "mkl",
  "mkl-2024.2.2-py2.py3-none-manylinux1_x86_64.whl",
  "915e81274ac20964e60156ed940e0eeb29dab0c282b915ad2e231db0021b980d",
  195506888,
  "ce91ae08ebb7ef17bb328d968031f3a4070a2390a0a3e078635dcef249dad1ee",
);
/** The texts in it. */
export const mklTexts = [
  "mkl-2024.2.2.dist-info/LICENSE.txt",
  "mkl-2024.2.2.data/data/share/doc/mkl/licensing/third-party-programs.txt",
];
