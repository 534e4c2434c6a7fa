// The platforms that have a prebuilt package.
import { darwinArm64 } from "./darwin.ts";
import { linuxArm64, linuxX64 } from "./linux.ts";
import type { Platform } from "./platform.ts";
import { win32X64 } from "./windows.ts";

/** Every platform that has a package. */
export const platforms: readonly Platform[] = [linuxX64, linuxArm64, darwinArm64, win32X64];
