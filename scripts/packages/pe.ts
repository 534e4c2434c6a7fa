// Addons for Windows: only there, with LLVM's clang and Microsoft's libraries, for which libtorch is built.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { includeFolders, nodeApiHeaders, unitsOf } from "../../src/setup/compile-addon.ts";
import { nativeFiles } from "../../src/setup/native-files.ts";
import { which } from "../../src/setup/run-program.ts";
import { compileUnits, runOrThrow, versionOf, withoutPaths } from "./compile-units.ts";
import { neededDlls } from "./pe-file.ts";
import type { CompileJob, Toolchain } from "./toolchain.ts";

/** What every Windows has, and Node itself. */
const systemLibraries =
  /^(api-ms-win-.*|kernel32|advapi32|user32|userenv|ws2_32|psapi|iphlpapi|dbghelp|imagehlp|wintrust)\.dll$|^node\.exe$/i;

export const peToolchain: Toolchain = {
  compile,
  inspect: async (file) => ({ libraries: neededDlls(file), versions: new Map() }),
  isOfSystem: (library) => systemLibraries.test(library),
};

async function compile({ libtorch, output, log }: CompileJob): Promise<string> {
  if (process.platform !== "win32") throw new Error("the package for Windows can be made on Windows only");
  const program = programOf("clang++");
  const compiler = { program, version: await versionOf(program) };
  // The library of the C++ runtime that libtorch uses, in one copy.
  const runtime = "-fms-runtime-lib=dll";
  const folders = includeFolders(libtorch, [nodeApiHeaders()]).flatMap((folder) => ["-isystem", folder]);
  const flags = ["-std=c++20", "-O2", runtime, ...withoutPaths([libtorch]), ...folders];
  // libtorch for Windows does not export what process groups call of gloo: native/binding/no_process_groups.cpp takes their place.
  const files = nativeFiles().filter((file) => !file.startsWith("native/distributed/"));
  const units = unitsOf(files).map(({ name, sources }) => ({ name, sources, flags }));
  const built = await compileUnits(units, compiler, log);
  const scratch = mkdtempSync(join(tmpdir(), "scalora-package-"));
  try {
    const node = join(scratch, "node.lib");
    const definitions = join(nodeApiHeaders(), "..", "def", "node_api.def");
    await runOrThrow(programOf("llvm-dlltool"), [
      "-m",
      "i386:x86-64",
      "-D",
      "node.exe",
      "-d",
      definitions,
      "-l",
      node,
    ]);
    // For questions about the processor.
    const resources = (await runOrThrow(program, ["-print-resource-dir"])).trim();
    const builtins = join(resources, "lib", "windows", "clang_rt.builtins-x86_64.lib");
    const libraries = [`-L${join(libtorch, "lib")}`, "-ltorch_cpu", "-lc10", node, builtins];
    await runOrThrow(program, ["-shared", "-fuse-ld=lld", runtime, ...built, ...libraries, "-o", output]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return compiler.version;
}

/** LLVM's program: on the PATH, or where its installer puts it. */
function programOf(name: string): string {
  return which(name) ?? join("C:/Program Files/LLVM/bin", `${name}.exe`);
}
