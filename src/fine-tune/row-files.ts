import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Recipe } from "../config/index.ts";
import { runFiles } from "../run/run-files.ts";
import { ScaloraError } from "../util/errors.ts";
import { removeEmptyFolders } from "../util/files.ts";
import type { SentRows } from "./messages.ts";

/**
 * Rows of a program as files, which is what everything here reads: in a temporary folder, until a run takes them into its own. In
 * errors they have the names that the program knows them by.
 */
export class RowFiles implements Disposable {
  /** Path of each file, by the key that the rows were sent with. */
  readonly paths: Readonly<Record<string, string>>;
  /** Names by path. */
  private readonly names = new Map<string, string>();
  private readonly scratch: string | undefined;

  /** @param received the rows that have come, in parts, by their number; those that are sent are taken out */
  constructor(received: Map<number, readonly string[]>, sent: Readonly<Record<string, SentRows>>) {
    const keys = Object.entries(sent);
    const scratch = keys.length === 0 ? "" : mkdtempSync(join(tmpdir(), "scalora-rows-"));
    this.scratch = scratch || undefined;
    this.paths = Object.fromEntries(
      keys.map(([key, { number, name }]) => {
        const path = join(scratch, `${key}.jsonl`);
        writeFileSync(path, (received.get(number) ?? []).join(""));
        received.delete(number);
        this.names.set(path, name);
        return [key, path];
      }),
    );
  }

  /** The recipe with the files where `place` puts them. */
  within(recipe: Recipe): Recipe {
    const folder = join(recipe.run.folder, recipe.run.name, runFiles.rows);
    const move = <T extends { readonly path: string }>(source: T): T =>
      this.names.has(source.path) ? { ...source, path: join(folder, basename(source.path)) } : source;
    const { train, eval: held } = recipe.data;
    const data = {
      ...recipe.data,
      train: train.map(move),
      eval: Array.isArray(held) ? held.map(move) : held,
    };
    return { ...recipe, data };
  }

  /** Puts the files into a run's folder; they are removed again where no run has begun in it. */
  place(folder: string): Disposable {
    const own = join(folder, runFiles.rows);
    const placed: string[] = [];
    for (const [path, name] of [...this.names]) {
      const copy = join(own, basename(path));
      mkdirSync(own, { recursive: true });
      copyFileSync(path, copy);
      placed.push(copy);
      this.names.set(copy, name);
    }
    return {
      [Symbol.dispose]: () => {
        if (existsSync(join(folder, runFiles.config))) return;
        for (const copy of placed) rmSync(copy, { force: true });
        removeEmptyFolders([folder, own]);
      },
    };
  }

  /** Does `work`, in whose errors the files have their names. */
  async naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ScaloraError) this.renameIn(error);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.scratch !== undefined) rmSync(this.scratch, { recursive: true, force: true });
  }

  private renameIn(error: ScaloraError): void {
    for (const [path, name] of this.names) error.message = error.message.replaceAll(path, name);
  }
}
