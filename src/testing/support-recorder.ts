import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** What tests can show about a method; docs/support.md has a column or a table for each. */
export type SupportClaim =
  | "computes as merged"
  | "adapter folder"
  | "adapter folder refused"
  | "resumes bit for bit"
  | "trains"
  | "trains on NF4"
  | "NF4 refused"
  | "merged folder";

/**
 * Records what the tests of one file have shown about each method. The file's last test compares the records with
 * `test/support/<name>.txt`, from which `node scripts/support-table.ts` makes docs/support.md.
 */
export class SupportRecorder {
  private readonly lines = new Set<string>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Call it after the assertions that show it. @param on for example a precision or a model family */
  record(method: string, what: SupportClaim, ...on: readonly string[]): void {
    this.lines.add([method, what, ...on].join(" | "));
  }

  /** Fails if the records differ from the file; `npx vitest run FILE -u` rewrites it. */
  async compare(): Promise<void> {
    const file = fileURLToPath(new URL(`../../test/support/${this.name}.txt`, import.meta.url));
    await expect(`${[...this.lines].sort().join("\n")}\n`).toMatchFileSnapshot(file);
  }
}
