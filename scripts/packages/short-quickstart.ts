// The tiny quickstart with few steps, to its report. It is copied into a project that has scalora (test-packages.ts), where an
// emulated processor would take hours for all of them.
import { runDemo } from "../../src/quickstart/run-quickstart.ts";
import { translationDemo } from "../../src/quickstart/translation/demo.ts";

const training = { ...translationDemo.training, steps: 4, evaluations: 1 };
const { before, rows } = await runDemo(
  { ...translationDemo, training },
  { out: "runs/try", seed: 0 },
  { signal: new AbortController().signal, onEvent: () => {} },
);
for (const { method, loss } of [{ method: "before", loss: before.loss }, ...rows])
  console.log(`loss ${method} ${loss}`);
const isTrained =
  rows.length === translationDemo.methods.length && rows.every(({ loss }) => loss < before.loss);
process.exitCode = isTrained ? 0 : 1;
