import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../src/setup/paths.ts";

/** Makes a Node say that it is an old one. */
const pretendsToBeOld =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})';
/** An npm that "fetches" a Node by a link to the one that runs this, and tells that it ran. */
const npmThatFetches = `name=node-${process.platform}-${process.arch}
mkdir -p "$3/node_modules/$name/bin" && ln -s "${process.execPath}" "$3/node_modules/$name/bin/node"
echo ran >> "$NPM_LOG"`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-node-"));
  const told = "console.log(JSON.stringify([process.argv.slice(2), process.env.PATH, process.execPath]));";
  writeFileSync(join(folder, "script.mjs"), `${told} process.exitCode = 7;`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const logOfNpm = () => readFileSync(join(folder, "npm.log"), "utf8");
const cached = () => readdirSync(join(folder, "cache", "scalora"));

/** Runs Node on a program of this repository, on a machine with this npm. */
function run(npm: string, program: string, args: string[], { old = true } = {}) {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "bin", "npm"), `#!/bin/sh\n${npm}\n`);
  chmodSync(join(folder, "bin", "npm"), 0o755);
  const PATH = [join(folder, "bin"), "/usr/bin", "/bin"].join(delimiter);
  const env = { PATH, NPM_LOG: join(folder, "npm.log"), XDG_CACHE_HOME: join(folder, "cache") };
  const pretence = old ? ["--import", pretendsToBeOld] : [];
  return spawnSync(process.execPath, [...pretence, program, ...args], { env, cwd: folder, encoding: "utf8" });
}

const bootstrap = join(packageRoot, "scripts", "node.mjs");

test("an old Node fetches a newer one, once, which runs the script and comes first on the PATH", () => {
  const first = run(npmThatFetches, bootstrap, ["script.mjs", "--flag", "a b"]);
  const second = run(npmThatFetches, bootstrap, ["script.mjs"]);
  expect(first.stderr).toMatch(
    /^scalora: Node \S+ or newer is needed, and this is 20\.20\.2: fetching .*\n$/,
  );
  expect(second.stderr).toBe("");
  expect([first.status, second.status]).toEqual([7, 7]);
  const [args, path, node] = JSON.parse(first.stdout);
  expect(args).toEqual(["--flag", "a b"]);
  expect(path.split(delimiter)[0]).toMatch(/cache\/scalora\/node-[\d.]+\/node_modules\/node-.*\/bin$/);
  expect(node).toBe(process.execPath);
  expect(logOfNpm()).toBe("ran\n");
  expect(cached()).toEqual([expect.stringMatching(/^node-[\d.]+$/)]);
});

test.each([
  ["npm fails", "echo no network >&2; exit 1", "no network"],
  ["what it fetched does not run", npmThatFetches.replace(process.execPath, "/bin/false"), "found:"],
])("where %s, the error says what to do, and nothing is left", (_, npm, found) => {
  const { status, stdout, stderr } = run(npm, bootstrap, ["script.mjs"]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(found);
  expect(stderr).toContain("fix:      install Node");
  expect(cached()).toEqual([]);
});

test("a Node that will do runs the script itself", () => {
  const { status, stdout, stderr } = run("exit 1", bootstrap, ["script.mjs", "a"], { old: false });
  expect({ status, stderr }).toEqual({ status: 7, stderr: "" });
  expect(JSON.parse(stdout)[0]).toEqual(["a"]);
});

test("a program with an old Node is told so when it computes, and nothing is fetched", () => {
  const library = pathToFileURL(join(packageRoot, "dist", "index.js")).href;
  const program = `import { torch } from ${JSON.stringify(library)};\ntry { torch.zeros([1], { device: "cpu" }); } catch (error) { console.log(error.code, error.found); }`;
  writeFileSync(join(folder, "program.mjs"), program);
  const { stdout } = run(npmThatFetches, join(folder, "program.mjs"), []);
  expect(stdout).toBe("setup Node 20.20.2\n");
  expect(() => logOfNpm()).toThrow("ENOENT");
});

test("the executable of an installed package refuses an old Node, and fetches nothing", () => {
  for (const file of ["bin/scalora.mjs", "bin/node-version.mjs", "package.json"]) {
    mkdirSync(dirname(join(folder, "package", file)), { recursive: true });
    cpSync(join(packageRoot, file), join(folder, "package", file));
  }
  const { status, stderr } = run(npmThatFetches, join(folder, "package", "bin", "scalora.mjs"), ["ls"]);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^error: scalora needs Node \S+ or newer\n {2}found: {4}Node 20\.20\.2 .*\n {2}fix: /,
  );
  expect(() => logOfNpm()).toThrow("ENOENT");
});
