import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type TensorSource, writeSafetensors } from "../../safetensors/index.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { hashFile, makeFolders, syncFolder } from "../../util/files.ts";
import type { Json } from "../../util/json.ts";
import { LostLockError } from "../../util/locks/process-lock.ts";
import {
  type CheckpointIdentity,
  isUnfinished,
  manifestFile,
  stateFile,
  stepFolder,
  type TensorPart,
  tensorFiles,
  unfinishedName,
} from "./checkpoint-format.ts";
import { formatManifest, type ManifestContent } from "./manifest.ts";
import { type BrokenCheckpoint, completeness, listCheckpoints } from "./read-checkpoint.ts";

export interface CheckpointContent {
  readonly step: number;
  readonly evalLoss: number | undefined;
  readonly identity: CheckpointIdentity;
  readonly tensors: Readonly<Record<TensorPart, ReadonlyMap<string, TensorSource>>>;
  /** Everything else that a resume needs (`state.json`). */
  readonly state: Json;
}

/**
 * Writes `checkpoints/step-…`: files into a temporary folder, flushed to the disk, hashed into the manifest, then
 * one rename, so that a crash at any time leaves complete checkpoints only. A complete checkpoint of the step is kept.
 * @param assertHeld throws when another process writes these checkpoints by now
 * @returns the checkpoint's path.
 * @throws `run` when it cannot be written (disk full…); checkpoints saved before are untouched.
 */
export function saveCheckpoint(
  folder: string,
  content: CheckpointContent,
  assertHeld: () => void = () => {},
): string {
  return (
    UnfinishedCheckpoint.begin(folder, content, assertHeld)?.finish() ?? checkpointPath(folder, content.step)
  );
}

/** The path of the checkpoint of a step. */
export const checkpointPath = (folder: string, step: number) => join(folder, stepFolder(step));

/** A checkpoint whose tensor files are written, but for the tensors that others write into them. */
export class UnfinishedCheckpoint {
  /** What it will be called. */
  readonly path: string;
  private readonly folder: string;
  private readonly content: CheckpointContent;
  private readonly assertHeld: () => void;
  /** A name of its own: a process that has lost the run without noticing must not write into another's files. */
  private readonly temporary: string;

  private constructor(folder: string, content: CheckpointContent, assertHeld: () => void) {
    this.folder = folder;
    this.content = content;
    this.assertHeld = assertHeld;
    this.path = checkpointPath(folder, content.step);
    this.temporary = join(folder, `${unfinishedName(stepFolder(content.step))}.${randomUUID()}`);
  }

  /** As `saveCheckpoint`. @returns undefined where the step has a complete checkpoint already */
  static begin(
    folder: string,
    content: CheckpointContent,
    assertHeld: () => void = () => {},
  ): UnfinishedCheckpoint | undefined {
    const begun = new UnfinishedCheckpoint(folder, content, assertHeld);
    assertHeld();
    if (completeness(begun.path) === "complete") return undefined;
    begun.orFail(() => {
      makeFolders(folder);
      removeLeftovers(folder);
      mkdirSync(begun.temporary);
      for (const part of parts)
        writeSafetensors(join(begun.temporary, tensorFiles[part]), content.tensors[part], {});
    });
    return begun;
  }

  /** The file of the tensors of an adapter set. */
  get adaptersFile(): string {
    return join(this.temporary, tensorFiles.adapters);
  }

  /** @returns the checkpoint's path @throws as `saveCheckpoint` */
  finish(): string {
    const { folder, path, temporary, content, assertHeld } = this;
    this.orFail(() => {
      writeOthers(temporary, content);
      assertHeld();
      if (existsSync(path)) rmSync(path, { recursive: true });
      renameSync(temporary, path);
      syncFolder(folder);
      syncFolder(dirname(folder));
    });
    return path;
  }

  /** Removes what is there of it, if that can be done. */
  discard(): void {
    attempt(() => rmSync(this.temporary, { recursive: true, force: true }));
  }

  /** Does a part of the work; where it fails, nothing is left of the checkpoint. */
  private orFail(action: () => void): void {
    const { folder, path, temporary, assertHeld } = this;
    try {
      action();
    } catch (error) {
      if (error instanceof LostLockError) throw error;
      const last = attempt(() => {
        rmSync(temporary, { recursive: true, force: true });
        assertHeld();
        return listCheckpoints(folder).at(-1);
      });
      throw new ScaloraError("run", "The checkpoint could not be written; the run stops", {
        where: path,
        found: messageOf(error),
        fix: `make room or choose another folder, then resume${last ? ` (step ${last.step} is safe)` : ""}`,
        cause: error,
      });
    }
  }
}

const parts = ["adapters", "optimizer", "generators"] as const;

/** What can be done after a write has failed. On a disk that fails altogether nothing can; a lost lock is worth an error of its own. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof LostLockError) throw error;
    return undefined;
  }
}

/** Writes what follows the tensor files. */
function writeOthers(folder: string, { step, evalLoss, identity, state }: CheckpointContent): void {
  const files: ManifestContent["files"] = {};
  const add = (name: string) => {
    const file = join(folder, name);
    syncFile(file);
    files[name] = { bytes: statSync(file).size, sha256: hashFile(file) };
  };
  for (const part of parts) add(tensorFiles[part]);
  writeFileSync(join(folder, stateFile), `${JSON.stringify(state, null, 1)}\n`);
  add(stateFile);
  const manifest = formatManifest({
    step,
    evalLoss: evalLoss ?? null,
    base: identity.base,
    adapter: identity.adapter,
    files,
  });
  writeFileSync(join(folder, manifestFile), manifest);
  syncFile(join(folder, manifestFile));
  syncFolder(folder);
}

function syncFile(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Removes all but the last `keepLast` complete checkpoints and the best one (`bestStep`), incomplete ones too. The newest
 * complete one is always kept; without any, nothing is removed.
 * @param assertHeld as in `saveCheckpoint`: the best one of a process that has taken the run over must not go
 * @returns those of which the disk does not say at present whether they are complete: they are kept
 */
export function pruneCheckpoints(
  folder: string,
  keepLast: number,
  bestStep: number | undefined,
  assertHeld: () => void = () => {},
): BrokenCheckpoint[] {
  const states = listCheckpoints(folder).map((entry) => ({ entry, state: completeness(entry.path) }));
  const complete = states.filter(({ state }) => state === "complete").map(({ entry }) => entry.step);
  const keep = new Set(complete.slice(-Math.max(1, keepLast)));
  if (bestStep !== undefined) keep.add(bestStep);
  if (complete.length > 0)
    for (const { entry, state } of states) {
      if (typeof state !== "string" || keep.has(entry.step)) continue;
      assertHeld();
      remove(folder, entry.path, entry.step);
    }
  return states.flatMap(({ entry, state }) =>
    typeof state === "string" ? [] : [{ ...entry, reason: state.unreadable, isUnreadable: true }],
  );
}

/** Renames first: an interrupted removal must not look like a checkpoint. */
function remove(folder: string, path: string, step: number): void {
  const leftover = join(folder, unfinishedName(stepFolder(step)));
  rmSync(leftover, { recursive: true, force: true });
  renameSync(path, leftover);
  rmSync(leftover, { recursive: true });
}

/**
 * Renames a damaged checkpoint, so that it is neither listed nor counted, and its step can be saved again.
 * @returns the new path
 */
export function markDamaged(path: string): string {
  const aside = `${path}.damaged`;
  rmSync(aside, { recursive: true, force: true });
  renameSync(path, aside);
  syncFolder(dirname(path));
  return aside;
}

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder).filter(isUnfinished))
    rmSync(join(folder, name), { recursive: true, force: true });
}
