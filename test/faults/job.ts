// What the server of forked processes is asked, and what it answers.

/** Command lines of scalora, run one after another in a process of their own. */
export interface Job {
  readonly commands: readonly (readonly string[])[];
  /** Folder for what the process printed. */
  readonly folder: string;
  /** SIGKILL after so many milliseconds of computing. */
  readonly killAfter?: number;
  /** The file of the `at`-th read below the folder cannot be read. */
  readonly readFault?: { readonly at: number; readonly below: string };
  /** What happens at the `at`-th change of a file, half of which is done: SIGKILL, or an error of the system from then on. */
  readonly fault?: { readonly at: number; readonly error?: "ENOSPC" | "EIO" };
}

/** How one command line ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How long it computed. */
  readonly milliseconds: number;
}

/** How the process ended: the command lines that came to their end, and the signal that ended it, if one did. */
export interface JobResult {
  readonly results: readonly CommandResult[];
  readonly signal: number;
}

/** File in a job's folder: the results, as JSON. */
export const resultsFile = "results.json";
