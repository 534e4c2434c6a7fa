/** Set-up could not go on. `code` is the one of ScaloraError; the message ends with what to do. */
export class SetupError extends Error {
  code: "setup";
  exitCode: 1;
  what: string;
  found: string | undefined;
  fix: string | undefined;

  constructor(what: string, details?: { found?: string; fix?: string; cause?: unknown });
}

/** Whether a folder could not be written: no permission, or no room. */
export function isUnwritable(error: unknown): error is Error;

/** The clear error for a cache folder that cannot be written, or undefined for any other error. */
export function unwritable(error: unknown, env: NodeJS.ProcessEnv): SetupError | undefined;

/** Full path of a program on the PATH, or undefined. */
export function which(name: string, env?: NodeJS.ProcessEnv): string | undefined;

/** The command that installs something here. */
export function installCommand(what: "compiler" | "python" | "pip", env?: NodeJS.ProcessEnv): string;
