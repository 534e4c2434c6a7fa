// Trains a short run of every method on a tiny model, for tools/export-parity.ts to export each of FOLDER/runs:
//   npm run tool -- tools/tiny-runs.ts NEW_FOLDER
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { tinyMethodConfigs, trainTiny, writeTinyProject } from "../src/testing/tiny-trained-run.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: npm run tool -- tools/tiny-runs.ts NEW_FOLDER");
  process.exit(2);
}
const project = resolve(folder);
mkdirSync(project);
// On CPUs with AVX-512 bitsandbytes 0.50.2 makes wrong numbers of rows divisible by 16 and not by 64, a block of NF4.
writeTinyProject(project, { hidden_size: 64, intermediate_size: 128 });
for (const method of methodNames())
  console.log(await trainTiny(project, method, "float32", { name: method }));

function methodNames(): (keyof typeof tinyMethodConfigs)[] {
  const isName = (name: string): name is keyof typeof tinyMethodConfigs => name in tinyMethodConfigs;
  return Object.keys(tinyMethodConfigs).filter(isName);
}
