import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** What a method was shown to do; docs/support.md has a column, or a table, for each. */
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
 * Notes what the tests of one file have shown of each method. The notes stand in `test/support/<name>.txt`, from which
 * `node scripts/support-table.ts` makes docs/support.md; the file's last test compares them.
 */
export class SupportRecorder {
  private readonly lines = new Set<string>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Called when a test has shown something, after its assertions. @param on a precision, a model family */
  record(method: string, what: SupportClaim, ...on: readonly string[]): void {
    this.lines.add([method, what, ...on].join(" | "));
  }

  /** Fails where the notes are not what stands in the file; `npx vitest run FILE -u` writes it anew. */
  async compare(): Promise<void> {
    const file = fileURLToPath(new URL(`../../test/support/${this.name}.txt`, import.meta.url));
    await expect(`${[...this.lines].sort().join("\n")}\n`).toMatchFileSnapshot(file);
  }
}
