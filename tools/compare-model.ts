// Compares a real model with what transformers computed:
//   npm run tool -- tools/compare-model.ts MODEL_FOLDER REFERENCE.safetensors
// The reference comes from tools/reference/real_model.py. Prints the relative errors of logits, loss and every gradient,
// compares the greedy answer token by token, and exits with 1 when anything is beyond its limit.
import { loadModel } from "../src/models/index.ts";
import { type CausalLM, tokenStream } from "../src/nn/index.ts";
import { SafetensorsFile } from "../src/safetensors/index.ts";
import * as torch from "../src/torch/index.ts";
import { elementAt, required } from "../src/util/elements.ts";

/**
 * Logits and loss as in the tests. Gradients through thirty real layers carry more fp32 noise: of SmolLM2's, the worst
 * is 2e-5 to 4e-5 (by GEMM backend) from transformers', while both are 8e-4 from what transformers computes with
 * float64 weights.
 */
const limits = { logits: 2e-5, loss: 1e-5, gradients: 1e-4 };
const [folder = "", referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error("usage: npm run tool -- tools/compare-model.ts MODEL_FOLDER REFERENCE.safetensors");
  process.exit(2);
}

using file = SafetensorsFile.open(referencePath);
const numbers = (name: string) => torch.scope(() => Array.from(file.tensor(name).toFloats()));
let failed = 0;

/** Prints one comparison. */
function report(name: string, error: number, limit: number) {
  if (!(error <= limit)) failed++;
  console.log(`${error <= limit ? "ok  " : "FAIL"} ${name}: ${error.toExponential(2)} (limit ${limit})`);
}

const seconds = (since: number) => (performance.now() - since) / 1000;
const float64 = (x: torch.Tensor) => torch.toDType(x, "float64");
const difference = (actual: torch.Tensor, expected: torch.Tensor) =>
  torch.sub(float64(actual), float64(expected));

function maxError(actual: torch.Tensor, expected: torch.Tensor) {
  const largest = (x: torch.Tensor) => torch.max(torch.abs(x)).item();
  return largest(difference(actual, expected)) / largest(float64(expected));
}

function frobeniusError(actual: torch.Tensor, expected: torch.Tensor) {
  const norm = (x: torch.Tensor) => torch.linalgVectorNorm(x).item();
  return norm(difference(actual, expected)) / norm(float64(expected));
}

/** Logits, loss and gradients of the reference's sequences. */
function compareLoss(model: CausalLM) {
  const parameters = [...model.namedParameters()];
  const [tokens, offsets] = [numbers("tokens"), numbers("offsets")];
  for (const [, parameter] of parameters) parameter.setRequiresGrad(true);
  const before = performance.now();
  const hidden = model.hiddenStates(tokenStream(tokens, offsets, { device: "cpu" }));
  const rows = tokens.map((_, i) => i).filter((i) => !offsets.includes(i + 1));
  const picked = torch.indexSelect(hidden, 0, torch.indices(rows, { device: "cpu" }));
  const next = rows.map((i) => elementAt(tokens, i + 1));
  const { softCap } = model.lm_head;
  const targets = torch.indices(next, { device: "cpu" });
  const loss = torch.linearCrossEntropy(picked, model.lm_head.denseWeight(), targets, { softCap });
  loss.backward();
  console.log(`forward and backward of ${tokens.length} tokens: ${seconds(before).toFixed(2)} s`);
  const logits = torch.noGrad(() => model.lm_head.forward(hidden));
  report("logits", maxError(logits, file.tensor("logits")), limits.logits);
  report("loss", Math.abs(loss.item() / elementAt(numbers("loss"), 0) - 1), limits.loss);
  const errors = parameters.map(([name, parameter]): [string, number] => {
    const gradient = required(parameter.grad, `the gradient of ${name}`);
    return [name, torch.scope(() => frobeniusError(gradient, file.tensor(`grad.${name}`)))];
  });
  errors.sort(([, a], [, b]) => b - a);
  console.log(`${errors.length} gradients, the worst three:`);
  for (const [name, error] of errors.slice(0, 3)) report(name, error, limits.gradients);
  for (const [, parameter] of parameters) parameter.setRequiresGrad(false).setGrad(undefined);
}

/** The greedy answer to the reference's prompt. */
function compareAnswer(model: CausalLM) {
  const answer = numbers("answer");
  using cache = model.newCache();
  const before = performance.now();
  let input = numbers("prompt");
  const written = answer.map(() => {
    const next = torch.scope(() => {
      const hidden = model.hiddenStates(tokenStream(input, undefined, { device: "cpu", caches: [cache] }));
      const last = torch.narrow(hidden, 0, input.length - 1, 1);
      return torch.argmax(model.lm_head.forward(last)).item();
    });
    input = [next];
    return next;
  });
  const speed = (answer.length / seconds(before)).toFixed(1);
  const isEqual = written.every((id, i) => id === answer[i]);
  if (!isEqual) failed++;
  console.log(`${isEqual ? "ok  " : "FAIL"} greedy answer of ${answer.length} tokens (${speed} tokens/s)`);
  if (!isEqual) console.log(`  found    ${written.join(" ")}\n  expected ${answer.join(" ")}`);
}

console.log(`products by ${torch.chooseGemmBackend().chosen}`);
const started = performance.now();
using model = await loadModel(folder, { dtype: "float32" });
console.log(`loaded in ${seconds(started).toFixed(2)} s`);
torch.scope(() => compareLoss(model));
torch.noGrad(() => compareAnswer(model));
process.exitCode = failed === 0 ? 0 : 1;
