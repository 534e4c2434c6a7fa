// npm run test:soak [-- --steps N --every N --json FILE]: one long run in one process, which has to hold as much at its end
// as at its beginning.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { keepFreedMemory } from "../../src/torch/index.ts";
import { growth, soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "20000" },
    every: { type: "string", default: "100" },
    json: { type: "string" },
  },
});

const folder = mkdtempSync(join(tmpdir(), "scalora-soak-"));
const started = performance.now();
try {
  keepFreedMemory();
  const samples = await soak(folder, Number(values.steps), Number(values.every));
  const { faults, ...figures } = growth(samples);
  const report = { steps: Number(values.steps), seconds: (performance.now() - started) / 1000, ...figures };
  console.log(JSON.stringify(report, undefined, 2));
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ ...report, samples }));
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
