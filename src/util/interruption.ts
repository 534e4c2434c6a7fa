const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 } as const;

/** The signals that stop a task. */
export const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What stops a task: a signal, or a closed output (the terminal or the reader of a pipe is gone). */
export type StopCause = (typeof stopSignals)[number] | "closed stdout" | "closed stderr";

/**
 * Exit code of a task that was stopped: 128 + signal number, as in shells, with the signal that a closed pipe sends to other
 * programs. Who closes stdout has seen enough, which is no failure.
 */
function exitCodeOf(cause: StopCause): number {
  if (cause === "closed stdout") return 0;
  return 128 + signalNumbers[cause === "closed stderr" ? "SIGPIPE" : cause];
}

/** Thrown by a task that was stopped. */
export class Interruption extends Error {
  readonly exitCode: number;

  constructor(cause: StopCause) {
    super(cause.startsWith("closed ") ? `stopped: ${cause.slice(7)} was closed` : `stopped by ${cause}`);
    this.name = "Interruption";
    this.exitCode = exitCodeOf(cause);
  }
}
