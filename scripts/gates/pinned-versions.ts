// Checks that every dependency has one exact version, and every wheel a hash.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { torchVersion } from "../../src/setup/manifest.ts";
import { packageRoot } from "../../src/setup/paths.ts";

type Versions = Record<string, string>;

function readJson(file: string) {
  return JSON.parse(readFileSync(join(packageRoot, file), "utf8"));
}

const problems: string[] = [];

const { dependencies, devDependencies, peerDependencies, optionalDependencies } = readJson("package.json");
const groups: (Versions | undefined)[] = [
  dependencies,
  devDependencies,
  peerDependencies,
  optionalDependencies,
];
for (const group of groups) {
  for (const [name, version] of Object.entries(group ?? {})) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      problems.push(`package.json: ${name} is "${version}", not one version`);
  }
}

const { packages }: { packages: Record<string, { optionalDependencies?: Versions }> } =
  readJson("package-lock.json");
for (const [path, { optionalDependencies }] of Object.entries(packages)) {
  for (const name of Object.keys(optionalDependencies ?? {})) {
    if (packages[`node_modules/${name}`] || packages[`${path}/node_modules/${name}`]) continue;
    problems.push(`package-lock.json: ${name} is missing, so npm ci fails; run npm run lock`);
  }
}

/** With its file's name and size, and of a wheel that is read in parts the hash of its list of files. */
const pinnedWheel = /^\S+==\S+ --hash=sha256:[0-9a-f]{64} # \S+\.whl \d+( record:[0-9a-f]{64})?$/;

for (const kind of ["cpu", "cuda"]) {
  const file = `src/setup/libtorch-${kind}.txt`;
  const lines = readFileSync(join(packageRoot, file), "utf8").split("\n");
  const wheels = lines.filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of wheels) {
    if (!pinnedWheel.test(line)) problems.push(`${file}: ${line}`);
  }
  if (!wheels.some((line) => line.startsWith(`torch==${torchVersion} `)))
    problems.push(`${file}: no torch==${torchVersion}`);
}

for (const problem of problems) console.log(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
