// Checks that every dependency has one exact version, and every wheel a hash.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot, torchVersion } from "../setup/locate.mjs";

const problems = [];

const { dependencies, devDependencies, peerDependencies, optionalDependencies } = JSON.parse(
  readFileSync(join(packageRoot, "package.json"), "utf8"),
);
for (const group of [dependencies, devDependencies, peerDependencies, optionalDependencies]) {
  for (const [name, version] of Object.entries(group ?? {})) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      problems.push(`package.json: ${name} is "${version}", not one version`);
  }
}

const { packages } = JSON.parse(readFileSync(join(packageRoot, "package-lock.json"), "utf8"));
for (const [path, { optionalDependencies }] of Object.entries(packages)) {
  for (const name of Object.keys(optionalDependencies ?? {})) {
    if (packages[`node_modules/${name}`] || packages[`${path}/node_modules/${name}`]) continue;
    problems.push(`package-lock.json: ${name} is missing, so npm ci fails; run npm run lock`);
  }
}

for (const kind of ["cpu", "cuda"]) {
  const file = `scripts/setup/libtorch-${kind}.txt`;
  const lines = readFileSync(join(packageRoot, file), "utf8").split("\n");
  const wheels = lines.filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of wheels) {
    if (!/^\S+==\S+ --hash=sha256:[0-9a-f]{64} # \S+\.whl \d+$/.test(line)) problems.push(`${file}: ${line}`);
  }
  if (!wheels.some((line) => line.startsWith(`torch==${torchVersion} `)))
    problems.push(`${file}: no torch==${torchVersion}`);
}

for (const problem of problems) console.log(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
