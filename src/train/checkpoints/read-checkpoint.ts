import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SafetensorsFile } from "../../safetensors/index.ts";
import type { Tensor } from "../../torch/index.ts";
import * as torch from "../../torch/index.ts";
import { reportActivity } from "../../util/activity.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { codeOf, hashFile } from "../../util/files.ts";
import { flattenKeys } from "../../util/flatten.ts";
import type { Json } from "../../util/json.ts";
import { readFileText } from "../../util/read-file.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import {
  type CheckpointIdentity,
  manifestFile,
  stateFile,
  stepOf,
  type TensorPart,
  tensorFiles,
} from "./checkpoint-format.ts";
import { type Manifest, readManifestFile } from "./manifest.ts";

export interface CheckpointEntry {
  readonly step: number;
  readonly path: string;
}

/** A checkpoint whose files are missing, changed or not readable. */
export interface BrokenCheckpoint extends CheckpointEntry {
  readonly reason: string;
  /** Whether the system does not let it be read at present, so that it may be whole. */
  readonly isUnreadable: boolean;
}

/** The checkpoint folders by step, complete or not; none when the folder does not exist. */
export function listCheckpoints(folder: string): CheckpointEntry[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const step = stepOf(name);
      return step === undefined ? [] : [{ step, path: join(folder, name) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Reads the manifest and checks existence and size of every file. @throws `format` saying what is wrong. */
export function readManifest(path: string): Manifest {
  const fail = (found: string): never => {
    throw new ScaloraError("format", "This checkpoint is incomplete", { where: path, found });
  };
  const manifest = readManifestFile(join(path, manifestFile));
  // A checkpoint that was copied elsewhere may have any other name.
  const step = stepOf(basename(path)) ?? manifest.step;
  if (manifest.step !== step) fail(`the manifest is of step ${manifest.step}`);
  for (const name of [...Object.values(tensorFiles), stateFile])
    if (!Object.hasOwn(manifest.files, name)) fail(`the manifest does not list ${name}`);
  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    const stat = statSync(join(path, name), { throwIfNoEntry: false });
    if (!stat) fail(`${name} is missing`);
    else if (!stat.isFile()) fail(`${name} is not a file`);
    else if (stat.size !== bytes) fail(`${name} has ${stat.size} bytes; the manifest lists ${bytes}`);
  }
  return manifest;
}

/** Whether every file exists with its size (without checking hashes), or why the disk does not say at present. */
export function completeness(path: string): "complete" | "incomplete" | { readonly unreadable: string } {
  try {
    readManifest(path);
    return "complete";
  } catch (error) {
    const unreadable = whyUnreadable(error);
    return unreadable === undefined ? "incomplete" : { unreadable };
  }
}

/** What the system says where it does not let a checkpoint be read; undefined where the checkpoint is damaged. */
function whyUnreadable(error: unknown): string | undefined {
  const cause = error instanceof ScaloraError ? error.cause : error;
  return [undefined, "ENOENT", "ENOTDIR"].includes(codeOf(cause)) ? undefined : messageOf(cause);
}

/** Checks sizes and hashes. @throws `format` saying what is wrong. */
export function verifyCheckpoint(path: string): Manifest {
  reportActivity({ what: `checking ${basename(path)}` });
  const manifest = readManifest(path);
  for (const [name, { sha256 }] of Object.entries(manifest.files)) {
    const found = hashFile(join(path, name));
    if (found !== sha256)
      throw new ScaloraError(
        "format",
        "A file of this checkpoint has changed since the checkpoint was saved",
        {
          where: join(path, name),
          expected: `sha256 ${sha256}`,
          found: `sha256 ${found}`,
        },
      );
  }
  return manifest;
}

/**
 * The newest valid checkpoint; `broken` are newer, invalid ones.
 * @returns undefined when there is no checkpoint at all.
 * @throws `format` when there are checkpoints and none is valid, `run` when one may be and cannot be read at present
 */
export function findNewestValid(
  folder: string,
): { entry: CheckpointEntry; manifest: Manifest; broken: BrokenCheckpoint[] } | undefined {
  const broken: BrokenCheckpoint[] = [];
  const entries = listCheckpoints(folder);
  for (const entry of entries.toReversed()) {
    try {
      return { entry, manifest: verifyCheckpoint(entry.path), broken };
    } catch (error) {
      const isUnreadable = whyUnreadable(error) !== undefined;
      broken.push({ ...entry, reason: messageOf(error), isUnreadable });
    }
  }
  if (entries.length === 0) return undefined;
  refuseUnreadable(broken);
  const recipe = recipeOf(folder);
  throw new ScaloraError("format", "No checkpoint of this run is valid", {
    where: folder,
    found: broken.map(({ reason }) => reason).join("\n"),
    fix: existsSync(recipe)
      ? `start a new run with its recipe and another run.name: \`npx scalora train ${shellQuote(recipe)} --set run.name=…\``
      : "start a new run",
  });
}

/** @throws `run` for a checkpoint that may be whole, and cannot be read at present */
export function refuseUnreadable(broken: readonly BrokenCheckpoint[]): void {
  const unreadable = broken.find(({ isUnreadable }) => isUnreadable);
  if (unreadable === undefined) return;
  throw new ScaloraError("run", "A checkpoint cannot be read", {
    where: unreadable.path,
    found: unreadable.reason,
    fix: "make it readable, or look whether its disk fails; to go on from an older checkpoint, move it elsewhere",
  });
}

/** @throws `model` when the checkpoint belongs to another base model, `config` when its adapter configuration differs. */
export function checkIdentity(manifest: Manifest, { base, adapter }: CheckpointIdentity, path: string): void {
  if (manifest.base !== base)
    throw new ScaloraError("model", "This checkpoint belongs to another model", {
      where: path,
      expected: `base weights ${manifest.base}`,
      found: `base weights ${base}`,
      fix: "use the model (and dtype) that the run was started with",
    });
  if (canonical(manifest.adapter) !== canonical(adapter)) throw otherAdapter(manifest.adapter, adapter, path);
}

/** The recipe of the run that a folder of checkpoints belongs to; it may be missing. */
const recipeOf = (checkpoints: string) => join(dirname(checkpoints), "config.yaml");

/** Names only the keys that differ, in the run's recipe where there is one. */
function otherAdapter(saved: Json, present: Json, path: string): ScaloraError {
  const [before, now] = [flattenKeys(saved, "adapter"), flattenKeys(present, "adapter")];
  const differ = [...new Set([...before.keys(), ...now.keys()])].filter(
    (key) => canonical(before.get(key) ?? null) !== canonical(now.get(key) ?? null),
  );
  const show = (values: ReadonlyMap<string, Json>) =>
    differ
      .map((key) => {
        const value = values.get(key) ?? "not set";
        const text = typeof value === "string" ? value : canonical(value);
        return differ.length === 1 ? text : `${key} ${text}`;
      })
      .join(", ");
  const recipe = recipeOf(dirname(path));
  return new ScaloraError("config", "This checkpoint belongs to another adapter configuration", {
    where: `${existsSync(recipe) ? recipe : path}: ${differ.join(", ")}`,
    expected: show(before),
    found: show(now),
    fix: `set ${differ.length === 1 ? "it" : "them"} back to what is expected, or start a new run`,
  });
}

/** JSON with sorted keys: equal values give equal texts. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Opens one tensor file and passes a reader to `use`; tensors from the reader are freed when `use` returns. */
export function withTensors(
  path: string,
  part: TensorPart,
  use: (read: (name: string) => Tensor) => void,
): void {
  using file = SafetensorsFile.open(join(path, tensorFiles[part]));
  torch.scope(() => {
    use((name) => file.tensor(name));
  });
}

/** Size of a state, which may have counters of every layer. */
const maxStateBytes = 1 << 28;

/** The content of `state.json`, not validated. @throws ScaloraError `format` when it cannot be read */
export function readState(path: string): unknown {
  const file = join(path, stateFile);
  try {
    return JSON.parse(readFileText(file, maxStateBytes));
  } catch (cause) {
    const found = messageOf(cause);
    throw new ScaloraError("format", "This checkpoint's state cannot be read", { where: file, found, cause });
  }
}
