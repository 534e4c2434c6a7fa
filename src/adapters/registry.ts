import { checkAdapterOptions, findMethodConfig, methodDefaults } from "../config/index.ts";
import { type Module, nf4Weights } from "../nn/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { AdapterSet } from "./core/adapter-set.ts";
import { linearLayers } from "./core/targets.ts";
import { attachDora } from "./dora/dora.ts";
import { attachFlora, type FloraOptions } from "./flora/flora.ts";
import { attachFourier, type FourierOptions } from "./fourierft/fourierft.ts";
import { FullFineTuning } from "./full/full.ts";
import { attachHira, type HiraOptions } from "./hira/hira.ts";
import { attachLora, type LoraOptions } from "./lora/lora.ts";
import { attachLoraGa, type LoraGaOptions } from "./lora-ga/lora-ga.ts";
import { attachLoraPlus, type LoraPlusOptions } from "./lora-plus/lora-plus.ts";
import { attachMora, type MoraOptions } from "./mora/mora.ts";
import { readAdapterConfig } from "./peft/adapter-folder.ts";
import { attachPissa, type PissaOptions } from "./pissa/pissa.ts";
import { attachQlora } from "./qlora/qlora.ts";
import { attachRelora, type ReloraOptions } from "./relora/relora.ts";
import { attachScalora, type ScaloraOptions } from "./scalora/scalora.ts";

/** A method with its options. */
export type AdapterOptions =
  | ({ readonly method: "lora" | "qlora" | "dora" } & LoraOptions)
  | ({ readonly method: "hira" } & HiraOptions)
  | ({ readonly method: "fourierft" } & FourierOptions)
  | ({ readonly method: "mora" } & MoraOptions)
  | ({ readonly method: "lora+" } & LoraPlusOptions)
  | ({ readonly method: "lora-ga" } & LoraGaOptions)
  | ({ readonly method: "pissa" } & PissaOptions)
  | ({ readonly method: "scalora" | "scalora-i" } & ScaloraOptions)
  | ({ readonly method: "relora" } & ReloraOptions)
  | ({ readonly method: "flora" } & FloraOptions)
  | { readonly method: "full" };

/**
 * Puts a method on a model: freezes what it does not train and hangs its adapters on the layers.
 * @param seed of the factors' random start
 * @throws ScaloraError `config` for unknown or wrong options (all of them in one error), and when they do not fit the model
 */
export function attach(model: Module, options: AdapterOptions, seed = 0): AdapterSet {
  checkAdapterOptions(options);
  for (const [path, linear] of linearLayers(model)) {
    if (!linear.adapter) continue;
    throw new ScaloraError("config", "The model has adapters already", {
      where: path,
      fix: "dispose() the adapter set that is on it first",
    });
  }
  refuseQuantised(model, options);
  switch (options.method) {
    case "lora":
      return attachLora(model, options, seed);
    case "qlora":
      return attachQlora(model, options, seed);
    case "dora":
      return attachDora(model, options, seed);
    case "hira":
      return attachHira(model, options, seed);
    case "fourierft":
      return attachFourier(model, options, seed);
    case "mora":
      return attachMora(model, options);
    case "lora+":
      return attachLoraPlus(model, options, seed);
    case "lora-ga":
      return attachLoraGa(model, options);
    case "pissa":
      return attachPissa(model, options);
    case "scalora":
      return attachScalora(model, options.method, options, seed);
    case "scalora-i":
      return attachScalora(model, options.method, { ...methodDefaults[options.method], ...options }, seed);
    case "relora":
      return attachRelora(model, options, seed);
    case "flora":
      return attachFlora(model, options, seed);
    case "full":
      return new FullFineTuning(model);
  }
}

function refuseQuantised(model: Module, options: AdapterOptions): void {
  const refusal = findMethodConfig(options.method)?.refusesQuantised?.({ ...options });
  const [quantised] = nf4Weights(model);
  if (refusal === undefined || quantised === undefined) return;
  throw new ScaloraError("config", `${options.method} does not go with a base in 4 bits: ${refusal}`, {
    where: quantised[0],
    fix: "load the model with quantization: none, or use qlora or dora",
  });
}

/**
 * Puts the adapters of a PEFT folder on a model, by whatever method made them.
 * @throws ScaloraError `model` or `format` where the folder is of a method that is not here, or does not fit the model
 */
export function attachFolder(model: Module, from: string): AdapterSet {
  const { peft_type: type, use_dora: dora } = readAdapterConfig(from);
  if (type === "FOURIERFT") return attach(model, { method: "fourierft", from });
  if (type === "HIRA") return attach(model, { method: "hira", rank: 1, from });
  // What is not known here is left to LoRA, whose check of the config names it.
  return attach(model, { method: type === "LORA" && dora === true ? "dora" : "lora", rank: 1, from });
}
