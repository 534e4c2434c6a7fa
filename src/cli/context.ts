import { ScaloraError } from "../util/errors.ts";
import { type Paint, painter, type TextStream } from "./terminal/text.ts";

type StopSignal = "SIGINT" | "SIGTERM";

/** Exit codes of a run that a signal stopped, as shells count them. */
const signalCodes: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** What an aborted task throws: which signal stopped it. */
export class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`);
    this.name = "Interruption";
    this.exitCode = signalCodes[signal];
  }
}

export interface ContextOptions {
  stdout: TextStream;
  stderr: TextStream;
  env: NodeJS.ProcessEnv;
  /** Sets up libtorch and the addon when that has not been done. */
  prepareEngine: () => Promise<unknown>;
}

/** What every verb works with: its streams, how it is stopped, and the engine when it needs one. */
export class Context {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: NodeJS.ProcessEnv;
  /** Paints what goes to stdout. */
  readonly paintOut: Paint;
  /** Paints what goes to stderr. */
  readonly paint: Paint;
  readonly prepareEngine: () => Promise<unknown>;
  /** What the process ends with when the verb returns. */
  exitCode = 0;
  private readonly controller = new AbortController();

  constructor({ stdout, stderr, env, prepareEngine }: ContextOptions) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.env = env;
    this.paintOut = painter(stdout, env);
    this.paint = painter(stderr, env);
    this.prepareEngine = prepareEngine;
  }

  /** Makes the engine ready to compute in this process, which is ours: it may keep the memory that it frees. */
  async startEngine(): Promise<void> {
    await this.prepareEngine();
    const { keepFreedMemory } = await import("../torch/index.ts");
    keepFreedMemory();
  }

  /** A result, on stdout. */
  result(text: string): void {
    this.stdout.write(`${text}\n`);
  }

  /** A result for programs, on stdout. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** A remark for people, on stderr. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /**
   * Runs a task that Ctrl-C or SIGTERM asks to stop; a second one ends the process at once.
   * @param stopping what it does then, in words
   */
  async interruptible<T>(
    task: (signal: AbortSignal) => Promise<T>,
    stopping = "stopping (once more to stop at once)",
  ): Promise<T> {
    const handlers = (["SIGINT", "SIGTERM"] as const).map((name) => {
      const handler = () => this.stop(name, stopping);
      process.on(name, handler);
      return () => process.off(name, handler);
    });
    try {
      return await task(this.controller.signal);
    } finally {
      for (const remove of handlers) remove();
    }
  }

  private stop(signal: StopSignal, stopping: string): void {
    if (this.controller.signal.aborted) process.exit(signalCodes[signal]);
    this.exitCode = signalCodes[signal];
    this.note(`\n${signal}: ${stopping}`);
    this.controller.abort(new Interruption(signal));
  }
}

/** An error of what was typed after the verb. */
export function usageError(what: string, expected?: string, fix?: string): ScaloraError {
  return new ScaloraError("usage", what, { expected, fix });
}
