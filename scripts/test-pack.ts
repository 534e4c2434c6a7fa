// npm run test:pack: packs the package, installs the tarball in an empty TypeScript project, and uses it as a user would.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupCommand } from "../src/setup/manifest.ts";
import { packageRoot } from "../src/setup/paths.ts";
import { ensureSetup } from "../src/setup/setup.ts";
import { required } from "../src/util/elements.ts";

const project = mkdtempSync(join(tmpdir(), "scalora-pack-"));
process.once("exit", () => rmSync(project, { recursive: true, force: true }));
let failed = 0;
let passed = 0;

/** What `npm pack --json` tells of a package. */
interface Tarball {
  filename: string;
  /** In bytes. */
  size: number;
  files: { path: string }[];
}

/** Runs a program in the project. */
function run(
  program: string,
  args: string[],
  { cwd = project, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  // Variables that npm sets for its own scripts would reach the npm of the other project.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local)/.test(name),
  );
  const merged = { ...Object.fromEntries(inherited), ...env };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env: merged, encoding: "utf8" });
  return { status, stdout: stdout ?? "", output: `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}` };
}

/** @param output shown when it is not */
function expectThat(what: string, good: boolean, output: string) {
  console.log(`${good ? "ok    " : "FAILED"} ${what}`);
  if (good) passed += 1;
  else failed += 1;
  if (!good) console.log(output.trimEnd());
}

const packed = run("npm", ["pack", "--json", "--pack-destination", project], { cwd: packageRoot });
expectThat("npm pack", packed.status === 0, packed.output);
if (packed.status !== 0) process.exit(1);
// A list, or an object by names: that depends on npm's version.
const listed: Record<string, Tarball> = JSON.parse(packed.stdout.slice(packed.stdout.search(/^[[{]/m)));
const tarball = required(Object.values(listed)[0], "the tarball");

const paths = tarball.files.map(({ path }) => path);
const wanted = [
  "bin/scalora.mjs",
  "bin/node-version.mjs",
  "dist/index.js",
  "dist/index.d.ts",
  "src/setup/libtorch-cpu.txt",
  "LICENSE",
  "README.md",
];
const absent = wanted.filter((path) => !paths.includes(path));
expectThat(
  `the tarball (${(tarball.size / 1e6).toFixed(1)} MB) has what it needs`,
  absent.length === 0,
  absent.join("\n"),
);
const surplus = paths.filter((path) => /\.test\.|\.map$|^(src\/.*\.ts$|test\/|node_modules\/)/.test(path));
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
console.log(functions.length, typeof wrong, process.argv[2] === "compute" ? torch.zeros([2, 3], { device: "cpu" }).shape.join("x") : "");
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
const bundled = run("npx", ["tsc", "--noEmit", "--module", "esnext", "--moduleResolution", "bundler"]);
expectThat("so does one for a bundler", bundled.status === 0, bundled.output);

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
