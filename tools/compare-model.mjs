// Compares a real model with what transformers computed: node tools/compare-model.mjs MODEL_FOLDER REFERENCE.safetensors
// The reference comes from tools/reference/real_model.py. Prints the relative errors of logits, loss and every gradient,
// compares the greedy answer token by token, and exits with 1 when anything is beyond its limit.

import { loadModel } from "../dist/models/index.js";
import { tokenStream } from "../dist/nn/index.js";
import { SafetensorsFile } from "../dist/safetensors/index.js";
import * as torch from "../dist/torch/index.js";

/**
 * Logits and loss as in the tests. Gradients through thirty real layers carry more fp32 noise: of SmolLM2's, the worst
 * is 2e-5 to 4e-5 (by GEMM backend) from transformers', while both are 8e-4 from what transformers computes with
 * float64 weights.
 */
const limits = { logits: 2e-5, loss: 1e-5, gradients: 1e-4 };
const [folder, referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error("usage: node tools/compare-model.mjs MODEL_FOLDER REFERENCE.safetensors");
  process.exit(2);
}

const file = SafetensorsFile.open(referencePath);
const numbers = (name) => torch.scope(() => Array.from(file.tensor(name).toFloats()));
let failed = 0;

/** Prints one comparison. */
function report(name, error, limit) {
  if (!(error <= limit)) failed++;
  console.log(`${error <= limit ? "ok  " : "FAIL"} ${name}: ${error.toExponential(2)} (limit ${limit})`);
}

const difference = (actual, expected) => {
  const [a, b] = [actual, expected].map((x) => torch.toDType(x, "float64"));
  return { delta: torch.abs(torch.sub(a, b)), reference: torch.abs(b) };
};
const maxError = (actual, expected) => {
  const { delta, reference } = difference(actual, expected);
  return torch.max(delta).item() / torch.max(reference).item();
};
const frobeniusError = (actual, expected) => {
  const { delta, reference } = difference(actual, expected);
  return torch.linalgVectorNorm(delta).item() / torch.linalgVectorNorm(reference).item();
};

const { chosen, probes } = torch.chooseGemmBackend();
console.log(
  `products by ${chosen}; ${probes.map((p) => `${p.backend} ${p.gigaflops.toFixed(0)} GFLOP/s`).join(", ")}`,
);
const started = performance.now();
const model = await loadModel(folder, { dtype: "float32" });
console.log(`loaded in ${((performance.now() - started) / 1000).toFixed(2)} s`);
const parameters = [...model.namedParameters()];

torch.scope(() => {
  const [tokens, offsets] = [numbers("tokens"), numbers("offsets")];
  for (const [, parameter] of parameters) parameter.setRequiresGrad(true);
  const before = performance.now();
  const hidden = model.hiddenStates(tokenStream(tokens, offsets, { device: "cpu" }));
  const rows = tokens.map((_, i) => i).filter((i) => !offsets.includes(i + 1));
  const picked = torch.indexSelect(hidden, 0, torch.indices(rows, { device: "cpu" }));
  const targets = torch.indices(
    rows.map((i) => tokens[i + 1]),
    { device: "cpu" },
  );
  const loss = torch.linearCrossEntropy(picked, model.lm_head.weight, targets, {
    softCap: model.lm_head.softCap,
  });
  loss.backward();
  console.log(
    `forward and backward of ${tokens.length} tokens: ${((performance.now() - before) / 1000).toFixed(2)} s`,
  );
  const logits = torch.noGrad(() => model.lm_head.forward(hidden));
  report("logits", maxError(logits, file.tensor("logits")), limits.logits);
  report("loss", Math.abs(loss.item() / numbers("loss")[0] - 1), limits.loss);
  const errors = parameters.map(([name, parameter]) => [
    name,
    torch.scope(() => frobeniusError(parameter.grad, file.tensor(`grad.${name}`))),
  ]);
  errors.sort(([, a], [, b]) => b - a);
  console.log(`${errors.length} gradients, the worst three:`);
  for (const [name, error] of errors.slice(0, 3)) report(name, error, limits.gradients);
});

for (const [, parameter] of parameters) parameter.setRequiresGrad(false).setGrad(undefined);
const [prompt, answer] = [numbers("prompt"), numbers("answer")];
const cache = model.newCache();
const before = performance.now();
let input = prompt;
const written = answer.map(() => {
  const next = torch.noGrad(() =>
    torch.scope(() => {
      const hidden = model.hiddenStates(tokenStream(input, undefined, { device: "cpu", caches: [cache] }));
      const last = torch.narrow(hidden, 0, input.length - 1, 1);
      return torch.argmax(model.lm_head.forward(last)).item();
    }),
  );
  input = [next];
  return next;
});
const seconds = (performance.now() - before) / 1000;
const equal = written.every((id, i) => id === answer[i]);
if (!equal) failed++;
console.log(
  `${equal ? "ok  " : "FAIL"} greedy answer of ${answer.length} tokens (${(answer.length / seconds).toFixed(1)} tokens/s)`,
);
if (!equal) console.log(`  found    ${written.join(" ")}\n  expected ${answer.join(" ")}`);
cache.dispose();
model.dispose();
file.dispose();
process.exit(failed === 0 ? 0 : 1);
