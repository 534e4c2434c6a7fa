import { type Command, InvalidArgumentError, Option } from "commander";
import type { ModelTarget } from "../assemble/model-target.ts";
import { isWithinLimits, limitsText, type NumberLimits } from "../util/number-limits.ts";

/** `--json`, for every command with a result. */
export const jsonOption = () => new Option("--json", "print the result as JSON on stdout");

/** Collects an option that may be given several times. */
export const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

/** `--set section.key=value`, repeatable. */
export const setOption = () =>
  new Option("--set <key=value>", "set a key of the recipe, the value in YAML; repeatable")
    .argParser<string[]>(collect)
    .default([], "none");

/** A commander parser for numbers within limits. */
export function numberParser(limits: NumberLimits) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && isWithinLimits(value, limits)) return value;
    throw new InvalidArgumentError(`Expected ${limitsText(limits)}.`);
  };
}

/** Options that choose the model of a command. */
export interface ModelOptions {
  adapter?: string;
  checkpoint?: string;
  dtype: "auto" | "float32" | "bfloat16";
  device: string;
  quantization?: ModelTarget["quantization"];
}

/** The model that a command's argument and options name. */
export function modelTarget(
  path: string,
  { adapter, checkpoint, dtype, device, quantization }: ModelOptions,
): ModelTarget {
  return { path, adapter, checkpoint, dtype, device, quantization };
}

/** Adds the options of `ModelOptions` to a command. */
export function addModelOptions(command: Command): Command {
  return command
    .option("--adapter <folder>", "PEFT adapter folder to load on the model")
    .option("--checkpoint <name>", "for a run: best, last, or a checkpoint's name (default: best, else last)")
    .addOption(
      new Option("--dtype <dtype>", "precision of the computation")
        .choices(["auto", "float32", "bfloat16"])
        .default("auto"),
    )
    .addOption(
      new Option("--quantization <kind>", "for a model: quantisation of its weights (default: none)").choices(
        ["none", "nf4", "q8_0"],
      ),
    )
    .option("--device <device>", "auto, cpu, mps, cuda or cuda:N", "auto");
}
