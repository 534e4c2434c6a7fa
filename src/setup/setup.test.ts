import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt } from "../util/elements.ts";
import { compileAddon, findCompiler } from "./compile-addon.ts";
import { inspect } from "./doctor.ts";
import { SetupError } from "./errors.ts";
import { findLibtorch, pythonWithPip } from "./find-libtorch.ts";
import { downloadLibtorch, pinnedWheels } from "./install-libtorch.ts";
import { manifestPath, readSetup, torchVersion } from "./manifest.ts";
import { ncclHeaders } from "./nccl-headers.ts";
import { compareVersions, minimumNode } from "./node-version.ts";
import { packageRoot } from "./paths.ts";
import { formatDecimalBytes, Progress } from "./progress.ts";
import { ensureSetup } from "./setup.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string, mode = 0o644) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  chmodSync(join(folder, path), mode);
  return join(folder, path);
}

/** A machine whose PATH holds only these programs, shell scripts. */
function machine(programs: Record<string, string>) {
  for (const name of ["sh", "cat", "sleep"]) {
    mkdirSync(join(folder, "bin"), { recursive: true });
    symlinkSync(`/bin/${name}`, join(folder, "bin", name));
  }
  for (const [name, script] of Object.entries(programs))
    write(`bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
  return { PATH: join(folder, "bin"), XDG_CACHE_HOME: join(folder, "cache") };
}

function fakeTorch(version: string, files = ["lib/libtorch_cpu.so", "include/ATen/ATen.h"]) {
  for (const file of files) write(`site/torch/${file}`, "");
  return dirname(write("site/torch/version.py", `__version__ = '${version}'\n`));
}

/** A Python that knows where torch is, has pip 24.0, and does something when pip downloads or installs. */
function fakePython(torch = "", pip = "exit 0") {
  return `case "$*" in *find_spec*) echo "${torch}";; *"pip --version") echo "pip 24.0 from x";; *) ${pip};; esac`;
}

const silent: () => Progress = () => new Progress({ write: () => true });

test("the manifest depends on SCALORA_LIBTORCH and is in the cache folder", () => {
  const env = { XDG_CACHE_HOME: folder };
  const path = manifestPath({ env });
  expect(dirname(path)).toBe(join(folder, "scalora", "state"));
  expect(manifestPath({ env: { ...env, SCALORA_LIBTORCH: "/x" } })).not.toBe(path);
  expect(manifestPath({ env })).toBe(path);
});

test("the manifest depends on the text of every native source", () => {
  const env = { XDG_CACHE_HOME: folder };
  write("package/native/a.cpp", "1");
  write("package/native/sub/b.h", "2");
  const root = join(folder, "package");
  const before = manifestPath({ root, env });
  write("package/native/sub/b.h", "3");
  expect(manifestPath({ root, env })).not.toBe(before);
});

test("a set-up whose addon is gone is not used", () => {
  const env = { XDG_CACHE_HOME: folder };
  const path = manifestPath({ env }).slice(folder.length + 1);
  const addon = write("addon/scalora.node", "");
  const libtorch = fakeTorch(torchVersion);
  write(path, JSON.stringify({ libtorch, addon }));
  expect(readSetup({ env })?.addon).toBe(addon);
  rmSync(addon);
  expect(readSetup({ env })).toBeUndefined();
  write(path, "{ cut sh");
  expect(readSetup({ env })).toBeUndefined();
});

test("SCALORA_LIBTORCH takes any version, as the folder itself or the one above", async () => {
  const libtorch = fakeTorch("2.15.0+cpu");
  for (const value of [libtorch, dirname(libtorch)]) {
    const [attempt] = await findLibtorch({ SCALORA_LIBTORCH: value });
    expect(attempt?.libtorch).toEqual({ libtorch, version: "2.15.0+cpu", from: "SCALORA_LIBTORCH" });
  }
});

test("a wrong SCALORA_LIBTORCH is an error that names the missing file", async () => {
  const found = findLibtorch({ SCALORA_LIBTORCH: folder });
  await expect(found).rejects.toThrow(`${join(folder, "lib", "libtorch_cpu.so")} does not exist`);
});

test("Python's torch is taken when it is the pinned one", async () => {
  const libtorch = fakeTorch(`${torchVersion}+cu130`);
  const env = machine({ python3: fakePython(join(libtorch, "__init__.py")) });
  const attempts = await findLibtorch(env);
  expect(attempts.at(-1)?.libtorch).toEqual({ libtorch, version: `${torchVersion}+cu130`, from: "python" });
});

test("Python's torch of another version is skipped, with the reason", async () => {
  const libtorch = fakeTorch("2.10.1");
  const attempts = await findLibtorch(machine({ python3: fakePython(join(libtorch, "__init__.py")) }));
  expect(attempts[0]?.found).toContain("torch 2.10.1, not 2.11.0");
  expect(attempts[1]).toMatchObject({ found: "not downloaded yet" });
  expect(attempts.every((attempt) => attempt.libtorch === undefined)).toBe(true);
});

test("an incomplete torch is skipped", async () => {
  const libtorch = fakeTorch(torchVersion, ["lib/libtorch_cpu.so"]);
  const attempts = await findLibtorch(machine({ python3: fakePython(join(libtorch, "__init__.py")) }));
  expect(attempts[0]?.found).toContain(join("include", "ATen", "ATen.h"));
});

test("without python3, pip or a compiler the error names the command that installs it", async () => {
  await expect(pythonWithPip(machine({ "apt-get": "" }))).rejects.toThrow(
    refusal("setup", { fix: "sudo apt-get install -y python3 python3-pip" }),
  );
  await expect(findCompiler(machineAgain({ dnf: "" }))).rejects.toThrow(
    refusal("setup", { fix: "sudo dnf install -y gcc-c++" }),
  );
  const noPip = machineAgain({ zypper: "", python3: "echo 'No module named pip' >&2; exit 1" });
  await expect(pythonWithPip(noPip)).rejects.toThrow(
    refusal("setup", { found: "No module named pip", fix: "sudo zypper install -y python3-pip" }),
  );
});

function machineAgain(programs: Record<string, string>) {
  rmSync(join(folder, "bin"), { recursive: true });
  return machine(programs);
}

test("an old pip is an error with the command that upgrades it", async () => {
  const env = machine({ python3: "echo 'pip 20.0.2 from /usr'" });
  await expect(pythonWithPip(env)).rejects.toThrow(
    refusal("setup", { found: "pip 20.0.2; 20.3", fix: "pip install --upgrade pip" }),
  );
});

test("CXX chooses the compiler, and the error names it if it does not run", async () => {
  const env = machine({ "my-cxx": "echo 'my-cxx 1.2'", "g++": "echo 'g++ 12'" });
  expect(await findCompiler({ ...env, CXX: "my-cxx" })).toMatchObject({ version: "my-cxx 1.2" });
  expect(await findCompiler(env)).toMatchObject({ version: "g++ 12" });
  await expect(findCompiler({ ...env, CXX: "other" })).rejects.toThrow("CXX=other, which does not run");
});

test.each([
  ["no network", "ERROR: Could not resolve host", "connect to a network"],
  ["no time", "ReadTimeoutError: timed out", "it continues where it stopped"],
  ["another file", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "check the package index"],
  [
    "full disk",
    "OSError: [Errno 28] No space left on device",
    "set XDG_CACHE_HOME to a folder on another disk",
  ],
  ["anything else", "ERROR: strange", "set SCALORA_LIBTORCH"],
])("a download that fails says what to do: %s", async (_name, output, fix) => {
  const env = machine({ python3: fakePython("", `echo '${output}' >&2; exit 1`) });
  const error = await downloadLibtorch(silent(), env).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SetupError);
  expect(error).toMatchObject({ code: "setup", message: expect.stringContaining(fix) });
});

test("a damaged wheel in the cache is downloaded again", async () => {
  const wheel = elementAt(pinnedWheels("cpu"), 0);
  const env = machine({ python3: fakePython("", "echo reached pip >&2; exit 1") });
  write(`cache/scalora/wheels/${wheel.file}`, "not a wheel");
  await expect(downloadLibtorch(silent(), env)).rejects.toMatchObject({
    code: "setup",
    what: expect.stringContaining(wheel.file),
    found: expect.stringContaining("reached pip"),
  });
});

test("both pinned sets hold torch, with a hash and a size for each file", () => {
  for (const [kind, count] of [
    ["cpu", 3],
    ["cuda", 16],
  ] as const) {
    const wheels = pinnedWheels(kind);
    expect(wheels).toHaveLength(count);
    expect(wheels[0]?.requirement).toContain(`torch==${torchVersion} --hash=sha256:`);
    expect(wheels.every((wheel) => wheel.size > 0)).toBe(true);
  }
});

/** A compiler that writes down what it compiles, into an empty file. */
const fakeCompiler = (log: string) =>
  `unit=; for word in "$@"; do case "$word" in *.cpp) unit=$word;; esac; out=$word; done
[ $# = 1 ] || : > "$out"
[ -z "$unit" ] || { case "$(cat "$unit")" in *native/operators*) echo operators;; *) echo rest;; esac >> ${log}; }
echo "g++ 12"`;

test("while npm installs the packages, the operators are compiled, which need none of them", async () => {
  const log = write("compiled", "");
  const env = machine({ "g++": fakeCompiler(log) });
  let install = () => {};
  const packages = new Promise<void>((resolve) => {
    install = resolve;
  });
  const libtorch = { libtorch: fakeTorch(torchVersion), version: torchVersion, from: "download" as const };
  const addon = compileAddon(libtorch, silent(), { env, packages });
  await vi.waitFor(() => expect(readFileSync(log, "utf8")).toBe("operators\n"), { timeout: 20_000 });
  await sleep(50);
  expect(readFileSync(log, "utf8")).toBe("operators\n");
  install();
  await expect(addon).rejects.toThrow("the addon was compiled but does not load");
  expect(readFileSync(log, "utf8")).toBe("operators\nrest\n");
});

test("NCCL is built in where libtorch has CUDA and all headers are there", () => {
  const libtorch = fakeTorch(torchVersion);
  const cuda = ["cuda_runtime_api.h", "crt/host_defines.h", "cusparse.h"].map(
    (name) => `cu13/include/${name}`,
  );
  for (const path of [...cuda, "nccl/include/nccl.h"]) write(join("site", "nvidia", path), "");
  expect(ncclHeaders(libtorch)).toEqual([]);
  write(join("site", "torch", "lib", "libtorch_cuda.so"), "");
  expect(ncclHeaders(libtorch)).toEqual(
    ["cu13", "nccl"].map((name) => join(folder, "site", "nvidia", name, "include")),
  );
  rmSync(join(folder, "site", "nvidia", "nccl"), { recursive: true });
  expect(ncclHeaders(libtorch)).toEqual([]);
});

test("doctor lists what is missing, each with its fix, and changes nothing", async () => {
  const env = machine({ "apt-get": "" });
  const findings = await inspect(env);
  const cures = Object.fromEntries(findings.map(({ name, cure }) => [name, cure]));
  expect(cures["C++ compiler"]).toBe("sudo apt-get install -y g++");
  expect(cures["Python with pip"]).toBe("sudo apt-get install -y python3 python3-pip");
  expect(cures["addon"]).toBe("npx scalora setup");
  expect(() => readFileSync(join(folder, "cache"))).toThrow("ENOENT");
});

test("a cache folder that cannot be written is a clear error", async () => {
  const env = { ...machine({ "g++": "echo g++ 12" }), XDG_CACHE_HOME: write("a-file", "") };
  const error = ensureSetup({ env, stream: process.stderr });
  await expect(error).rejects.toThrow(
    `the cache folder ${join(folder, "a-file", "scalora")} cannot be written`,
  );
});

test("package.json and set-up need the same Node", () => {
  const { engines } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  expect(engines.node).toBe(`>=${minimumNode}`);
});

test("versions compare by number, sizes read well", () => {
  expect(compareVersions("20.10", "20.9")).toBeGreaterThan(0);
  expect(compareVersions("2.28", "2.28.0")).toBe(0);
  expect([formatDecimalBytes(2_000), formatDecimalBytes(544e6), formatDecimalBytes(2.31e9)]).toEqual([
    "2 kB",
    "544 MB",
    "2.31 GB",
  ]);
});

test("where nothing is drawn, a state that says nothing new is not repeated", () => {
  vi.useFakeTimers({ now: 1e9 });
  const lines: string[] = [];
  const progress = new Progress({ write: (text) => lines.push(text) });
  for (const state of ["1 %", "1 %", "2 %", "2 %"]) {
    progress.update(state);
    vi.advanceTimersByTime(6000);
  }
  vi.useRealTimers();
  expect(lines).toEqual(["scalora setup: 1 %\n", "scalora setup: 2 %\n"]);
});
