import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import type { SentRows } from "./messages.ts";

/** Rows of a program as files, which is what everything here reads. In errors they have the names that the program knows them by. */
export class RowFiles {
  /** Those that are not written yet. */
  private readonly rows: { readonly key: string; readonly name: string; readonly text: string }[];
  /** Names by path. */
  private readonly names = new Map<string, string>();

  /** @param received the rows that have come, in parts, by their number; those that are sent are taken out */
  constructor(received: Map<number, readonly string[]>, sent: Readonly<Record<string, SentRows>>) {
    this.rows = Object.entries(sent).map(([key, { number, name }]) => {
      const text = (received.get(number) ?? []).join("");
      received.delete(number);
      return { key, name, text };
    });
  }

  /**
   * Writes them into a folder, which is made.
   * @returns the path of each file, by the key that its rows were sent with
   * @throws ScaloraError `run` when they cannot be written
   */
  write(folder: string): Readonly<Record<string, string>> {
    const paths = this.rows.splice(0).map(({ key, name, text }) => {
      const path = join(folder, `${key}.jsonl`);
      this.names.set(path, name);
      try {
        mkdirSync(folder, { recursive: true });
        writeFileSync(path, text);
      } catch (cause) {
        throw cannotWrite(`The rows of ${name} cannot be written`, folder, { cause });
      }
      return [key, path];
    });
    return Object.fromEntries(paths);
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

  private renameIn(error: ScaloraError): void {
    for (const [path, name] of this.names) {
      const { message, where } = error;
      Object.assign(error, {
        message: message.replaceAll(path, name),
        where: where?.replaceAll(path, name),
      });
    }
  }
}
