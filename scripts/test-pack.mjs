// npm run test:pack: packs the package, installs the tarball in an empty TypeScript project, and uses it as a user would.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot, setupCommand } from "./setup/locate.mjs";
import { ensureSetup } from "./setup/setup.mjs";

const project = mkdtempSync(join(tmpdir(), "scalora-pack-"));
process.once("exit", () => rmSync(project, { recursive: true, force: true }));
let failed = 0;
let passed = 0;

/**
 * Runs a program in the project.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} options
 */
function run(program, args, { cwd = project, env = {} } = {}) {
  // Variables that npm sets for its own scripts would reach the npm of the other project.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local)/.test(name),
  );
  const merged = { ...Object.fromEntries(inherited), ...env };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env: merged, encoding: "utf8" });
  return { status, stdout: stdout ?? "", output: `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}` };
}

/** @param {string} what @param {boolean} good @param {string} output shown when it is not */
function expectThat(what, good, output) {
  console.log(`${good ? "ok    " : "FAILED"} ${what}`);
  if (good) passed += 1;
  else failed += 1;
  if (!good) console.log(output.trimEnd());
}

const packed = run("npm", ["pack", "--json", "--pack-destination", project], { cwd: packageRoot });
const tarball = /** @type {{ filename: string, size: number, files: { path: string }[] } | undefined} */ (
  packed.status === 0
    ? Object.values(JSON.parse(packed.stdout.slice(packed.stdout.search(/^[[{]/m))))[0]
    : undefined
);
expectThat("npm pack", tarball !== undefined, packed.output);
if (tarball === undefined) process.exit(1);

const paths = tarball.files.map(({ path }) => path);
const wanted = [
  "bin/scalora.mjs",
  "dist/index.js",
  "dist/index.d.ts",
  "scripts/setup/libtorch-cpu.txt",
  "LICENSE",
  "README.md",
];
const absent = wanted.filter((path) => !paths.includes(path));
expectThat(
  `the tarball (${(tarball.size / 1e6).toFixed(1)} MB) has what it needs`,
  absent.length === 0,
  absent.join("\n"),
);
const surplus = paths.filter((path) => /\.test\.|\.map$|^(src|test|node_modules)\//.test(path));
expectThat("the tarball has no tests, sources or maps", surplus.length === 0, surplus.join("\n"));

writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
const compilerOptions = {
  target: "es2022",
  module: "nodenext",
  strict: true,
  skipLibCheck: false,
  types: ["node"],
};
writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
writeFileSync(
  join(project, "use.ts"),
  `import { attach, loadModel, mergeAndSave, torch, train } from "scalora";
const functions: ((...args: never[]) => unknown)[] = [loadModel, attach, train, mergeAndSave];
// @ts-expect-error: the model's folder is a string
const wrong = () => loadModel(1);
console.log(functions.length, typeof wrong, process.argv[2] === "compute" ? torch.zeros([2, 3]).shape.join("x") : "");
`,
);
const { devDependencies } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
const tools = ["typescript", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
const installed = run("npm", [
  "install",
  "--no-audit",
  "--no-fund",
  join(project, tarball.filename),
  ...tools,
]);
expectThat("npm install of the tarball", installed.status === 0, installed.output);

const compiled = run("npx", ["tsc"]);
expectThat("a strict TypeScript project compiles against it", compiled.status === 0, compiled.output);

const empty = { XDG_CACHE_HOME: join(project, "cache"), SCALORA_LIBTORCH: "" };
const imported = run("node", ["use.js"], { env: empty });
expectThat("import works before set-up", imported.status === 0, imported.output);
const early = run("node", ["use.js", "compute"], { env: empty });
const told = early.status !== 0 && early.output.includes(setupCommand);
expectThat(`computing before set-up names "${setupCommand}"`, told, early.output);
expectThat("and downloads nothing", !existsSync(empty.XDG_CACHE_HOME), empty.XDG_CACHE_HOME);

const help = run("npx", ["scalora", "--help"], { env: empty });
expectThat(
  "npx scalora --help works before set-up",
  help.status === 0 && help.stdout.includes("train"),
  help.output,
);

// With a libtorch that is there, so that only the compilation from the package's own files is new.
const { libtorch } = await ensureSetup();
const fresh = { ...empty, SCALORA_LIBTORCH: libtorch };
const setUp = run("npx", ["scalora", "setup"], { env: fresh });
expectThat("npx scalora setup compiles the addon of the package", setUp.status === 0, setUp.output);
const computed = run("node", ["use.js", "compute"], { env: fresh });
expectThat("it computes after set-up", computed.stdout.trim() === "4 function 2x3", computed.output);

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
