import type { OutputStream } from "./terminal/output-stream.ts";
import { type Paint, painter } from "./terminal/painter.ts";

type StopSignal = "SIGINT" | "SIGTERM";

/** Exit codes of a run stopped by a signal: 128 + signal number, as in shells. */
const signalCodes: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Thrown by a task that was aborted by a signal. */
export class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`);
    this.name = "Interruption";
    this.exitCode = signalCodes[signal];
  }
}

export interface ContextOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  env: NodeJS.ProcessEnv;
  /** Sets up libtorch and the addon if they are not ready. */
  prepareEngine: () => Promise<unknown>;
}

/** The environment of a command: streams, interruption and the engine. */
export class Context {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  /** Styles text for stdout. */
  readonly paintOut: Paint;
  /** Styles text for stderr. */
  readonly paint: Paint;
  readonly prepareEngine: () => Promise<unknown>;
  /** Exit code of the process when the command returns. */
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

  /** Prepares the engine in this process. The process is the CLI's own, so the allocator may keep freed memory. */
  async startEngine(): Promise<void> {
    await this.prepareEngine();
    const { keepFreedMemory } = await import("../torch/index.ts");
    keepFreedMemory();
  }

  /** Prints a result on stdout. */
  result(text: string): void {
    this.stdout.write(`${text}\n`);
  }

  /** Prints a result as JSON on stdout. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** Prints a note on stderr. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /**
   * Runs a task that Ctrl-C or SIGTERM stops gracefully; a second signal ends the process immediately.
   * @param stopping text printed at the first signal
   */
  async interruptible<T>(
    task: (signal: AbortSignal) => Promise<T>,
    stopping = "stopping (repeat to stop immediately)",
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
