import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { downloadHint, modelPath } from "../download/index.ts";
import type { Quantization } from "../models/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";

/** The model to use: a Hugging Face folder or GGUF file, optionally with an adapter, or a run's folder. */
export interface ModelTarget {
  path: string;
  /** PEFT adapter folder. */
  adapter?: string | undefined;
  /** For a run: a checkpoint's name, `best` or `last`; default `best`, or `last` without evaluations. */
  checkpoint?: string | undefined;
  /** Default `auto`: the run's own precision, or float32 for a model. */
  dtype?: "auto" | "float32" | "bfloat16" | undefined;
  /** Quantisation of a model's weights; default "none". A run uses its own. */
  quantization?: Quantization | undefined;
  /** Default `auto`: the run's own device, or a GPU when there is one. */
  device?: string | undefined;
}

/** Whether a target is a run's folder. */
export function isRun({ path }: ModelTarget): boolean {
  return existsSync(join(path, "config.yaml"));
}

/**
 * Checks that a target looks like a model or a run; needs no engine.
 * @throws ScaloraError `usage`
 */
export function checkTarget(target: ModelTarget): void {
  const { checkpoint } = target;
  const path = modelPath(target.path);
  if (!existsSync(path)) throw nothingHere(path);
  if (isRun({ path })) return;
  if (checkpoint !== undefined) {
    throw new ScaloraError("usage", "Only a run has checkpoints", {
      where: path,
      expected: "a run's folder (with config.yaml)",
      found: "a folder without it",
    });
  }
  if (!existsSync(join(path, "adapter_config.json")) || existsSync(join(path, "config.json"))) return;
  throw new ScaloraError("usage", "This is an adapter folder, not a model folder", {
    where: path,
    fix: `give the model folder, and this one as adapter (--adapter ${path})`,
  });
}

function nothingHere(path: string): ScaloraError {
  const near = nearestName(basename(path), foldersIn(dirname(resolve(path))));
  return new ScaloraError("usage", "There is neither a model nor a run here", {
    where: resolve(path),
    expected:
      "a Hugging Face model folder (with config.json), a GGUF file, or a run's folder (with config.yaml)",
    found: "nothing",
    fix: near === undefined ? hintOf(path) : `did you mean ${join(dirname(path), near)}?`,
  });
}

/** A name may be meant as a model's or as a run's. */
function hintOf(path: string): string {
  const runs = "`npx scalora ls runs` lists the runs";
  const hint = downloadHint(path);
  if (hint === runs) return runs;
  return hint.endsWith("?") ? `${hint} ${runs}` : `${hint}; ${runs}`;
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap(({ name }) =>
      !name.startsWith(".") && statSync(join(folder, name)).isDirectory() ? name : [],
    );
  } catch {
    return [];
  }
}
