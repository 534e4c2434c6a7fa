import { cacheFolder } from "./paths.ts";

/** Set-up failed. `code` is a ScaloraError's; the message ends with the fix. */
export class SetupError extends Error {
  readonly code = "setup";
  readonly exitCode = 1;
  readonly what: string;
  readonly found: string | undefined;
  readonly fix: string | undefined;

  constructor(what: string, { found, fix, cause }: { found?: string; fix?: string; cause?: unknown } = {}) {
    const lines = [what];
    if (found !== undefined) lines.push(`  found: ${found}`);
    if (fix !== undefined) lines.push(`  fix:   ${fix}`);
    super(lines.join("\n"), cause === undefined ? undefined : { cause });
    this.name = "SetupError";
    this.what = what;
    this.found = found;
    this.fix = fix;
  }
}

/** Whether an error means that a folder cannot be written: no permission, or no space. */
export function isUnwritable(error: unknown): error is Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOSPC", "EDQUOT"].includes(code);
}

/** The error for a cache folder that cannot be written; undefined for any other error. */
export function unwritable(error: unknown, env: NodeJS.ProcessEnv): SetupError | undefined {
  if (!isUnwritable(error)) return undefined;
  return new SetupError(`the cache folder ${cacheFolder(env)} cannot be written`, {
    found: error.message,
    fix: "set XDG_CACHE_HOME to a writable folder on a disk with free space",
    cause: error,
  });
}
