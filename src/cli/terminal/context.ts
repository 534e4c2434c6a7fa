import { basename } from "node:path";
import { launchOrAlone } from "../../distributed/read-launch.ts";
import type { stopAnswers } from "../../torch/index.ts";
import { onActivity, reportActivity } from "../../util/activity.ts";
import { setEngineVariables } from "../../util/engine-variables.ts";
import { Interruption, type StopCause, stopSignals } from "../../util/interruption.ts";
import { controlCharacters, escapeControl } from "../../util/quote.ts";
import { isClosedOutput } from "./closed-output.ts";
import { type OutputStream, terminalWidth } from "./output-stream.ts";
import { type Paint, painter } from "./painter.ts";
import { SharedTerminal } from "./shared-terminal.ts";
import { escapeUnstyled } from "./strip-control.ts";
import type { TableStyle } from "./table.ts";
import { wrapLines } from "./text-width.ts";

/**
 * Milliseconds within which Ctrl-C counts once: npm passes it on to a program that has had it from the terminal already.
 * Both also arrive together, after a step, when they came during it.
 */
const repeatAfter = 300;

export interface ContextOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  env: NodeJS.ProcessEnv;
  /** Sets up libtorch and the addon if they are not ready; `verify` checks those that are. */
  prepareEngine: (options?: { verify?: boolean }) => Promise<unknown>;
}

/** A text for a stream; a terminal's lines are wrapped at words. */
function linesFor(stream: OutputStream, text: string): string {
  const isTerminal = stream.isTTY === true;
  const escaped = escapeUnstyled(text, isTerminal);
  return isTerminal ? wrapLines(escaped, terminalWidth(stream, 80)) : escaped;
}

const silent: OutputStream = { write: () => {} };

/** The environment of a command: streams, interruption and the engine. Of several ranks the first prints; all print their errors. */
export class Context {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  private readonly errors: OutputStream;
  /** Of this process among those of its launcher. */
  readonly rank: number;
  readonly env: NodeJS.ProcessEnv;
  /** Styles text for stdout. */
  readonly paintOut: Paint;
  /** Styles text for stderr. */
  readonly paint: Paint;
  readonly prepareEngine: ContextOptions["prepareEngine"];
  /** Exit code of the process when the command returns. */
  exitCode = 0;
  private readonly terminal: SharedTerminal;
  /** Whether stderr is the process's own, which the engine writes to as well. */
  private readonly hasOwnStderr: boolean;
  private endActivities: (() => void) | undefined;
  /** How the engine answers signals while this thread is busy; undefined before it has started. */
  private answers: typeof stopAnswers | undefined;
  /** Whether it does so now. */
  private isAnswered = false;
  private readonly controller = new AbortController();
  /** Stops the task that runs; undefined when none does. */
  private stopTask: ((cause: StopCause) => void) | undefined;
  /** When the first SIGINT or SIGTERM came; undefined before. */
  private askedAt: number | undefined;

  constructor({ stdout, stderr, env, prepareEngine }: ContextOptions) {
    this.rank = launchOrAlone(env).rank;
    this.terminal = new SharedTerminal(stdout, stderr);
    this.stdout = this.rank === 0 ? this.terminal.stdout : silent;
    this.stderr = this.rank === 0 ? this.terminal.stderr : silent;
    this.errors = this.terminal.stderr;
    this.hasOwnStderr = stderr === process.stderr;
    this.env = env;
    this.paintOut = painter(stdout, env);
    this.paint = painter(stderr, env);
    this.prepareEngine = prepareEngine;
  }

  /** Prepares the engine in this process. The process is the CLI's own, so the allocator may keep freed memory. */
  async startEngine(): Promise<void> {
    this.showActivities();
    setEngineVariables(process.env);
    reportActivity({ what: "starting libtorch" });
    await this.prepareEngine();
    const { keepFreedMemory, stopAnswers } = await import("../../torch/index.ts");
    keepFreedMemory();
    this.answers = stopAnswers;
  }

  /** From now on stderr shows what is being done, until something else is printed or the command ends. */
  private showActivities(): void {
    if (this.rank === 0) this.endActivities ??= onActivity((activity) => this.terminal.show(activity));
  }

  /** Ends what the command shows. */
  end(): void {
    this.endActivities?.();
    this.endActivities = undefined;
    this.terminal.clear();
  }

  /** Prints a result on stdout. */
  result(text: string): void {
    this.stdout.write(`${escapeUnstyled(text, this.stdout.isTTY === true)}\n`);
  }

  /** Prints a result as JSON on stdout. */
  json(value: unknown): void {
    // JSON's own escapes; of those that JSON.stringify leaves, any is within a string.
    const text = JSON.stringify(value, undefined, 2).replaceAll(
      controlCharacters,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    this.stdout.write(`${text}\n`);
  }

  /** Prose for a result: on a terminal its lines are wrapped at words. */
  prose(text: string): string {
    const { stdout } = this;
    return stdout.isTTY === true ? wrapLines(text, terminalWidth(stdout, 80)) : text;
  }

  /** How tables on stdout are drawn. */
  get tableStyle(): TableStyle {
    const { stdout, paintOut: paint } = this;
    return { paint, ...(stdout.isTTY === true && { width: terminalWidth(stdout, 80) }) };
  }

  /** Prints a note on stderr. */
  note(text: string): void {
    this.stderr.write(`${linesFor(this.stderr, text)}\n`);
  }

  /** Prints an error on stderr. */
  error(text: string): void {
    this.errors.write(`${linesFor(this.errors, text)}\n`);
  }

  /**
   * Runs a task that Ctrl-C, SIGTERM, a hangup or a closed output stops gracefully; a second Ctrl-C or SIGTERM ends the process
   * immediately. Under `nohup` a hangup is ignored.
   * @param stopping text printed at the first signal
   */
  async interruptible<T>(
    task: (signal: AbortSignal) => Promise<T>,
    stopping = "stopping (repeat to stop immediately)",
  ): Promise<T> {
    const stop = (cause: StopCause) => this.stop(cause, stopping);
    const handlers = stopSignals.map((name) => {
      const handler = () => {
        if (name !== "SIGHUP" || !this.isUnderNohup()) stop(name);
      };
      process.on(name, handler);
      return () => process.off(name, handler);
    });
    this.stopTask = stop;
    this.isAnswered = this.answerStops(stopping);
    try {
      return await task(this.controller.signal);
    } finally {
      this.stopTask = undefined;
      if (this.isAnswered) this.answers?.end();
      this.isAnswered = false;
      for (const remove of handlers) remove();
    }
  }

  /** Has the engine answer signals, also in the middle of its work. @returns whether it prints the first answer */
  private answerStops(stopping: string): boolean {
    const text = (name: string) => (this.rank === 0 ? `\n${escapeControl(`${name}: ${stopping}`)}\n` : "");
    return this.hasOwnStderr && this.answers?.begin(text("SIGINT"), text("SIGTERM")) === true;
  }

  /**
   * Handles failed writes to the output: a running task is stopped when the reader is gone; without a task, a closed stdout, as in
   * `scalora ls runs | head`, ends the process. Other failures end it with an error, but no task.
   */
  watchOutput(): void {
    this.stdout.on?.("error", (error) => this.outputFailed("stdout", error));
    this.errors.on?.("error", (error) => this.outputFailed("stderr", error));
  }

  private outputFailed(stream: "stdout" | "stderr", error: Error): void {
    const closed = isClosedOutput(error);
    if (this.stopTask !== undefined) {
      if (closed && !(stream === "stderr" && this.isUnderNohup())) this.stopTask(`closed ${stream}`);
    } else if (stream === "stdout") {
      if (closed) process.exit(this.exitCode);
      this.error(`error: the output cannot be written\n  found:    ${error.message}`);
      process.exit(1);
    }
  }

  private stop(cause: StopCause, stopping: string): void {
    const interruption = new Interruption(cause);
    // Only what somebody does on purpose ends the process at once: a terminal that closes sends several signals.
    if (cause === "SIGINT" || cause === "SIGTERM") {
      const now = performance.now();
      this.askedAt ??= now;
      const isRepeated = this.isAnswered && this.answers?.cameAgain() === true;
      if (isRepeated || now - this.askedAt > repeatAfter) {
        // The terminal has written ^C where the cursor was.
        if (cause === "SIGINT" && this.stderr.isTTY === true) this.stderr.write("\n");
        process.exit(interruption.exitCode);
      }
    }
    if (this.controller.signal.aborted) return;
    this.exitCode = interruption.exitCode;
    this.controller.abort(interruption);
    const isAnswered = this.isAnswered && (cause === "SIGINT" || cause === "SIGTERM");
    if (!isAnswered && !cause.startsWith("closed ")) this.note(`\n${cause}: ${stopping}`);
  }

  /** Node resets the signals that nohup ignores, but the shell's variable still shows that nohup was used. */
  private isUnderNohup(): boolean {
    return basename(this.env["_"] ?? "") === "nohup";
  }
}
