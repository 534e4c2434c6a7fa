import { Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { AdapterSet, Trainable } from "./core/adapter-set.ts";
import { naming } from "./core/name-method.ts";

/** The functions that training, checkpoints and exports call on every method's adapter set. */
const members = [
  "trainables",
  "zeroGrad",
  "lrFactor",
  "beforeForward",
  "beforeClip",
  "measuresEvent",
  "parameterCounts",
  "mergedWeight",
  "adaptedPaths",
  "fullyTrainedPaths",
  "saveAdapter",
  "state",
  "loadState",
  "counters",
  "loadCounters",
  "dispose",
  Symbol.dispose,
] as const satisfies readonly (keyof AdapterSet)[];

/**
 * Checks the adapter set that a method has attached to a model.
 * @throws ScaloraError naming the method: `config` when it returned no adapter set, or one that lacks a member of
 * `AdapterSet`, trains nothing, or has a trainable without a gradient of its shape, dtype and device; `run` when
 * `trainables()` throws
 */
export function checkAdapterSet(method: string, adapters: AdapterSet): void {
  if (typeof adapters !== "object" || adapters === null)
    throw broken(method, "attach() returned no adapter set", "attach()");
  const missing = members.find((name) => typeof adapters[name] !== "function");
  if (missing !== undefined)
    throw broken(method, `its adapter set has no ${String(missing)}()`, "AdapterSet");
  const trainables = naming(method, "trainables()", () => adapters.trainables());
  if (!Array.isArray(trainables)) throw broken(method, "trainables() returned no list", "trainables()");
  checkTrainables(method, trainables);
}

function checkTrainables(method: string, trainables: readonly Trainable[]): void {
  if (trainables.length === 0) throw broken(method, "it trains nothing", "trainables()");
  const names = new Set<string>();
  for (const one of trainables) {
    if (typeof one !== "object" || one === null)
      throw broken(method, "trainables() returned something else than trainables", "trainables()");
    const where = `trainable ${one.name}`;
    if (names.has(one.name)) throw broken(method, "two trainables have one name", where);
    names.add(one.name);
    const problem = gradientProblem(one);
    if (problem !== undefined) throw broken(method, problem, where);
  }
}

/** A method written in JavaScript may leave out the value or the gradient. */
function gradientProblem({ value, grad }: Trainable): string | undefined {
  if (!(value instanceof Tensor)) return "a trainable has no value";
  if (!(grad instanceof Tensor)) return "a trainable has no gradient";
  const form = ({ shape, dtype, device }: Trainable["grad"]) => `[${shape.join(", ")}] ${dtype} on ${device}`;
  if (form(value) === form(grad)) return undefined;
  return `a trainable of ${form(value)} has a gradient of ${form(grad)}`;
}

/** The error for a method that breaks the contract. */
export function broken(method: string, problem: string, where: string): ScaloraError {
  return new ScaloraError("config", `Method ${method} breaks the contract of methods: ${problem}`, {
    where,
    fix: "docs/adapters.md (A method of your own) says what a method must do",
  });
}
