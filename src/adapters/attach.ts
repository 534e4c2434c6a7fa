import { isSharded, type Module, quantisedWeights, requireModel } from "../nn/index.ts";
import { disposeOnError } from "../util/dispose-on-error.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import { expandHome } from "../util/expand-home.ts";
import { requireAwaited } from "../util/require-awaited.ts";
import { checkAdapterSet } from "./check-adapter-set.ts";
import { checkLayers } from "./check-layers.ts";
import type { AdapterSet } from "./core/adapter-set.ts";
import type { AdapterConfig, Method } from "./core/method.ts";
import { naming } from "./core/name-method.ts";
import { linearLayers } from "./core/targets.ts";
import { methodsForQuantisedBase, quantisedRefusal } from "./methods-for-quantised-base.ts";
import { parseAdapterOptions } from "./parse-options.ts";
import { readAdapterConfig } from "./peft/adapter-config.ts";
import { type BuiltInOptions, isRegistered, listMethods, methodNamed } from "./registry.ts";

/** Options of a method of this package; for a registered one, whatever its schema accepts. */
export type OptionsOf<Name extends string> = Name extends BuiltInOptions["method"]
  ? Extract<BuiltInOptions, { readonly method: Name }>
  : { readonly [option: string]: unknown };

/**
 * Puts a method on a model: freezes what it does not train and installs its adapters on the layers.
 * @param options the name of a method (`scalora ls methods`), alone or with its options; what is left out gets the default of its
 * schema
 * @param seed of the factors' random start
 * @throws ScaloraError `config` for unknown or wrong options (all of them in one error), and when they do not fit the model
 */
export function attach<Name extends string>(
  model: Module,
  options: Name | ({ readonly method: Name } & OptionsOf<Name>),
  seed = 0,
): AdapterSet {
  requireAwaited({ model });
  const given = typeof options === "string" ? { method: options } : options;
  return attachParsed(model, parseAdapterOptions(given), seed);
}

/** `attach` with options that their schema has checked: the `adapter` section of a recipe. */
export function attachParsed(model: Module, options: AdapterConfig, seed: number): AdapterSet {
  const method = methodNamed(options.method);
  if (method === undefined) throw internalError(`no method ${options.method} is registered`);
  requireModel(model);
  for (const [path, linear] of linearLayers(model)) {
    if (!linear.adapter) continue;
    throw new ScaloraError("config", "The model has adapters already", {
      where: path,
      fix: "dispose() the adapter set that is on it first",
    });
  }
  refuseQuantised(model, method, options);
  refuseSharded(model, method, options);
  const installed = { [Symbol.dispose]: () => clearAdapters(model) };
  return disposeOnError([installed], () => attachChecked(model, method, options, seed));
}

function attachChecked(model: Module, method: Method, options: AdapterConfig, seed: number): AdapterSet {
  const { name } = method;
  const adapters = naming(name, "attach()", () => method.attach(model, options, { seed }));
  // What is refused may be nothing, or lack even this.
  const owned = { [Symbol.dispose]: () => naming(name, "dispose()", () => adapters?.dispose?.()) };
  disposeOnError([owned], () => {
    checkAdapterSet(name, adapters);
    if (isRegistered(method)) checkLayers(name, model);
  });
  return adapters;
}

/** Removes what a failed method has left on the layers, so that another one can be attached. */
function clearAdapters(model: Module): void {
  for (const [, linear] of linearLayers(model)) linear.adapter = undefined;
}

function refuseQuantised(model: Module, method: Method, options: AdapterConfig): void {
  const refusal = quantisedRefusal(method, options);
  const [quantised] = quantisedWeights(model);
  if (refusal === undefined || quantised === undefined) return;
  throw new ScaloraError("config", `${method.name} does not go with a quantised base: ${refusal}`, {
    where: quantised[0],
    fix: `load the model with quantization: none, or use one of ${methodsForQuantisedBase(options)}`,
  });
}

/** What can train on a base in 4 bits can train on one that is shared out, and so can what merges into it, row by row. */
function refuseSharded(model: Module, method: Method, options: AdapterConfig): void {
  const merging = { ...options, base: "factored" };
  if (!isSharded(model) || quantisedRefusal(method, merging) === undefined) return;
  throw new ScaloraError("config", `${method.name} does not go with a base that is shared out`, {
    where: "train.shardBase",
    expected: methodsForQuantisedBase(merging),
    found: method.name,
    fix: "leave train.shardBase out, or use one of these methods",
  });
}

/**
 * Attaches the adapters of a PEFT folder to a model, with the method that made them.
 * @throws ScaloraError `model` or `format` when the method is not supported, or the folder does not fit the model
 */
export function attachFolder(model: Module, folder: string): AdapterSet {
  requireAwaited({ model });
  const from = expandHome(folder);
  const config = readAdapterConfig(from);
  const method = methodOfFolder(config);
  // An unknown type is left to LoRA, whose check of the config reports it by name.
  return attachParsed(model, parseAdapterOptions({ method: method?.name ?? "lora", from }), 0);
}

/**
 * The method that made an adapter folder, by the folder's `adapter_config.json`.
 * @throws ScaloraError `run` naming the method whose `readsFolder` throws
 */
const methodOfFolder = (config: Readonly<Record<string, unknown>>): Method | undefined =>
  listMethods().find((method) => naming(method.name, "readsFolder()", () => method.readsFolder?.(config)));
