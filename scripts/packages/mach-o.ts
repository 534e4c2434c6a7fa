// Addons for Macs: on a Mac with its own compiler, elsewhere with the clang in zig, which brings what it needs of macOS.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { includeFolders, nodeApiHeaders, unitsOf } from "../../src/setup/compile-addon.ts";
import { compileFlags } from "../../src/setup/manifest.ts";
import { nativeFiles } from "../../src/setup/native-files.ts";
import { compileUnits, runOrThrow, versionOf, withoutPaths } from "./compile-units.ts";
import { provideWheels } from "./fetch-wheels.ts";
import { type Import, type MachOFile, readMachO } from "./mach-o-file.ts";
import { pinned } from "./platform.ts";
import type { CompileJob, Needs, Toolchain } from "./toolchain.ts";

/** The oldest macOS with which libtorch's libraries load. (The package `tokenizers` asks for 12.) */
const oldest = "11.0";

/**
 * The last zig before its libc++ called functions that macOS' own has not (`std::__1::__hash_memory`); with the marks of
 * availability, which zig turns off, it calls only what macOS 11 has.
 */
const zig = {
  name: "zig-0.13.0",
  wheels: [
    pinned(
      "ziglang",
      "ziglang-0.13.0-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64.whl",
      "3ce0c9f16547e5d61b32e0d226926e9a2552ef4b91fccf7ab5ea1a623a77824b",
      80896325,
    ),
  ],
  isWanted: () => true,
};
/** Names of templates as Apple's compilers made them when libtorch was built, before they were of LLVM 18. */
const olderNames = "-fclang-abi-compat=17";
const zigFlags = [
  olderNames,
  ...["-target", `aarch64-macos.${oldest}`],
  ...["-U_LIBCPP_DISABLE_AVAILABILITY", "-U_LIBCPP_HAS_NO_VENDOR_AVAILABILITY_ANNOTATIONS"],
];
const [cxxLibrary, ownLibraries] = ["/usr/lib/libc++.1.dylib", ["libtorch_cpu", "libc10"]];
/** What the addon needs of macOS' libc++ and libtorch does not; all of it is older than macOS 11. */
const otherCxxSymbols = [
  "__ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE21__grow_by_and_replaceEmmmmmmPKc",
  "__ZNSt3__112future_errorC1ENS_10error_codeE",
  "__ZNSt3__112future_errorD1Ev",
  "__ZNSt3__115future_categoryEv",
  "__ZTINSt3__112future_errorE",
];

export const machOToolchain: Toolchain = {
  async compile(job) {
    const version = await (process.platform === "darwin" ? withXcode(job) : withZig(job));
    checkSymbols(job);
    return version;
  },
  inspect: async (file) => needsOf(readMachO(file)),
  isOfSystem: (library) => /^\/(usr\/lib|System\/Library)\//.test(library),
};

function needsOf({ libraries, minimum }: MachOFile): Needs {
  // `@rpath/libc10.dylib` is beside the addon.
  const names = libraries.map((path) => (path.startsWith("@") ? basename(path) : path));
  return { libraries: names, versions: new Map([["macOS", minimum]]) };
}

/** What both compilers are given. */
function optionsOf({ libtorch }: CompileJob) {
  const folders = includeFolders(libtorch, [nodeApiHeaders()]).flatMap((folder) => ["-isystem", folder]);
  const lib = join(libtorch, "lib");
  return {
    flags: [...compileFlags, "-g0", ...withoutPaths([libtorch]), ...folders],
    libraries: [`-L${lib}`, "-ltorch_cpu", "-lc10", "-Wl,-rpath,@loader_path"],
    units: unitsOf(nativeFiles()),
  };
}

async function withXcode(job: CompileJob): Promise<string> {
  const { flags, libraries, units } = optionsOf(job);
  const version = await versionOf("clang++");
  const target = ["-arch", "arm64", `-mmacosx-version-min=${oldest}`];
  // Apple's 17 is of LLVM 19. Those before it make the older names, and do not know that they can be asked for; LLVM's own 17
  // makes them too, and knows.
  const makesOthers = Number(/clang version (\d+)/.exec(version)?.[1]) >= 17;
  const names = makesOthers ? [olderNames] : [];
  const named = units.map((unit) => ({ ...unit, flags: [...target, ...names, ...flags] }));
  const built = await compileUnits(named, { program: "clang++", version }, job.log);
  const options = [...target, "-bundle", "-Wl,-undefined,dynamic_lookup", "-Wl,-x"];
  await runOrThrow("clang++", [...options, ...built, ...libraries, "-o", job.output]);
  return version;
}

async function withZig(job: CompileJob): Promise<string> {
  if (`${process.platform}-${process.arch}` !== "linux-x64")
    throw new Error("the package for Macs can be made on a Mac, and with zig on Linux x64 only");
  const { flags, libraries, units } = optionsOf(job);
  const program = join(await provideWheels(zig, job.log), "ziglang", "zig");
  chmodSync(program, 0o755);
  const version = `zig ${await versionOf(program, ["version"])}, ${await versionOf(program, ["c++", "--version"])}`;
  const named = units.map((unit) => ({ ...unit, flags: ["c++", ...zigFlags, ...flags] }));
  const built = await compileUnits(named, { program, version }, job.log);
  const scratch = mkdtempSync(join(tmpdir(), "scalora-package-"));
  try {
    // As C: as C++, zig would put a libc++ of its own into the addon, whose exceptions libtorch's do not equal.
    const stub = writeCxxStub(join(scratch, "libc++.tbd"), job.libtorch);
    const target = ["-target", `aarch64-macos.${oldest}`];
    const options = [
      "-shared",
      "-s",
      "-Wl,-install_name,@rpath/scalora.node",
      "-Wl,-undefined,dynamic_lookup",
    ];
    await runOrThrow(program, ["cc", ...target, ...options, ...built, ...libraries, stub, "-o", job.output]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return version;
}

const importsOf = (libtorch: string): Import[] =>
  ownLibraries.flatMap((name) => readMachO(join(libtorch, "lib", `${name}.dylib`)).imports);

/** For the linker: a libc++ that has what libtorch uses of macOS' own, so that it surely has it. */
function writeCxxStub(path: string, libtorch: string): string {
  const used = importsOf(libtorch).filter(({ from }) => from === cxxLibrary);
  const names = [...new Set([...used.map(({ name }) => name), ...otherCxxSymbols])].sort();
  const target = "targets: [ arm64-macos ]";
  writeFileSync(
    path,
    `--- !tapi-tbd
tbd-version: 4
${target}
install-name: '${cxxLibrary}'
exports:
  - ${target}
    symbols: [ ${names.map((name) => `'${name}'`).join(", ")} ]
...
`,
  );
  return path;
}

/**
 * Checks that each function that the addon calls is where it looks for it: Node-API in the process, libtorch's in the libraries
 * beside it. @throws Error that names what is missing
 */
function checkSymbols({ output, libtorch }: CompileJob): void {
  const { imports, searched } = readMachO(output);
  if (!searched.includes("@loader_path"))
    throw new Error(`${output} does not look for libraries beside itself`);
  const exports = new Map(
    ownLibraries.map((name) => [
      `@rpath/${name}.dylib`,
      readMachO(join(libtorch, "lib", `${name}.dylib`)).exports,
    ]),
  );
  const missing = imports.filter(({ name, from }) => {
    if (from === undefined) return !name.startsWith("_napi_");
    return exports.get(from)?.has(name) === false;
  });
  if (missing.length === 0) return;
  const names = missing.slice(0, 20).map(({ name, from }) => `${name} in ${from ?? "the process"}`);
  throw new Error(
    `${basename(dirname(output))}/${basename(output)} looks in vain for ${missing.length}: ${names.join(", ")}`,
  );
}
