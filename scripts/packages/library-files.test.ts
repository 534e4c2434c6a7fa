// What llvm-objdump and llvm-nm say of the libraries in the package `tokenizers`, which has one for each system.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readMachO } from "./mach-o-file.ts";
import { neededDlls } from "./pe-file.ts";

const folder = dirname(createRequire(import.meta.url).resolve("tokenizers/package.json"));

test("a library of macOS says what it needs, exports and imports", () => {
  const { libraries, searched, minimum, exports, imports } = readMachO(
    join(folder, "tokenizers.darwin-arm64.node"),
  );
  expect(libraries).toEqual([
    "/usr/lib/libc++.1.dylib",
    "/usr/lib/libiconv.2.dylib",
    "/usr/lib/libSystem.B.dylib",
  ]);
  expect({ searched, minimum, exports: [...exports] }).toEqual({
    searched: [],
    minimum: "12.0",
    exports: ["_napi_register_module_v1"],
  });
  expect(imports).toHaveLength(112);
  expect(imports).toContainEqual({ name: "__Unwind_Resume", from: "/usr/lib/libSystem.B.dylib" });
});

test("a library of Windows says which others it needs", () => {
  const needed = neededDlls(join(folder, "tokenizers.win32-x64-msvc.node"));
  expect(needed.slice(0, 3)).toEqual(["kernel32.dll", "ntdll.dll", "bcryptprimitives.dll"]);
  expect(needed).toHaveLength(12);
  expect(needed.at(-1)).toBe("api-ms-win-crt-runtime-l1-1-0.dll");
});

test.each(["tokenizers.linux-x64-gnu.node", "package.json"])("%s is neither", (name) => {
  const path = join(folder, name);
  expect(() => readMachO(path)).toThrow(`${path} is no 64-bit Mach-O file`);
  expect(() => neededDlls(path)).toThrow(`${path} is no 64-bit Windows library`);
});
