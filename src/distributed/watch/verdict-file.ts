// How `scalora launch` learns for which rank its ranks stop: the first that knows writes it into a file.
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readVerdict, type Verdict } from "./messages.ts";

/** The variable that names the file. */
const variable = "SCALORA_VERDICT_FILE";
const file = "verdict.json";

/** Writes a verdict, where a launcher wants to know it and no other rank has written it. */
export function leaveVerdict(verdict: Verdict, env: NodeJS.ProcessEnv): void {
  const path = env[variable];
  if (!path) return;
  try {
    const own = `${path}.${process.pid}`;
    writeFileSync(own, JSON.stringify(verdict));
    linkSync(own, path);
  } catch {
    // Another rank was first.
  }
}

/** The file of one job; nobody writes it where there can be no temporary folder. */
export class VerdictFile implements Disposable {
  private readonly folder = temporaryFolder();

  /** For the ranks. */
  get env(): NodeJS.ProcessEnv {
    return { [variable]: this.folder && join(this.folder, file) };
  }

  /** The verdict, if a rank has written one. */
  read(): Verdict | undefined {
    if (this.folder === undefined) return undefined;
    try {
      return readVerdict(JSON.parse(readFileSync(join(this.folder, file), "utf8")));
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

function temporaryFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), "scalora-launch-"));
  } catch {
    return undefined;
  }
}
