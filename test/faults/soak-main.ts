// npm run test:soak: one long run in one process, which has to hold as much at its end as at its beginning.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { keepFreedMemory } from "../../src/torch/index.ts";
import { numberOption, readOptions } from "../long-form-options.ts";
import { growth, soak } from "./soak.ts";

const usage = `npm run test:soak -- [--steps N] [--every N] [--json FILE]

One long run in one process, which has to hold as much at its end as at its beginning.

  --steps N     steps of the run (20000)
  --every N     steps from one sample of what the process holds to the next (100)
  --json FILE   write the report and the samples as JSON`;

const { steps, every, json } = readOptions(usage, () => {
  const { values } = parseArgs({
    options: {
      steps: { type: "string", default: "20000" },
      every: { type: "string", default: "100" },
      json: { type: "string" },
    },
  });
  const count = (name: "steps" | "every") => numberOption(name, values[name], { whole: true, least: 1 });
  return { steps: count("steps"), every: count("every"), json: values.json };
});

const folder = mkdtempSync(join(tmpdir(), "scalora-soak-"));
const started = performance.now();
try {
  keepFreedMemory();
  const samples = await soak(folder, steps, every);
  const { faults, ...figures } = growth(samples);
  const report = { steps, seconds: (performance.now() - started) / 1000, ...figures };
  console.log(JSON.stringify(report, undefined, 2));
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  if (json !== undefined) writeFileSync(json, JSON.stringify({ ...report, samples }));
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
