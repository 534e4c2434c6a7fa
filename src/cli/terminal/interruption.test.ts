import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { CapturedStream, testContext } from "../testing/terminal.ts";
import { Context } from "./context.ts";
import type { OutputStream } from "./output-stream.ts";

/** A stream of the process, as far as the command line uses it. */
class FailingStream extends EventEmitter implements OutputStream {
  text = "";

  write(text: string): void {
    this.text += text;
  }

  fail(code: string): void {
    this.emit("error", Object.assign(new Error(`${code}: write`), { code }));
  }
}

let exit: MockInstance<typeof process.exit>;
beforeEach(() => {
  exit = vi.spyOn(process, "exit").mockImplementation(() => {
    throw new Error("exit");
  });
});
afterEach(() => vi.restoreAllMocks());

function contextWithStreams() {
  const streams = { stdout: new FailingStream(), stderr: new FailingStream() };
  const context = new Context({ ...streams, env: {}, prepareEngine: async () => {} });
  context.watchOutput();
  return { context, ...streams };
}

test("Ctrl-C a second time ends the process at once, but not when it is the same one passed on, nor after a hangup", async () => {
  const now = vi.spyOn(performance, "now");
  const { context, stderr } = testContext();
  const send = (signal: "SIGHUP" | "SIGINT" | "SIGTERM", time: number) => {
    now.mockReturnValue(time);
    process.emit(signal);
  };
  await context.interruptible(async () => {
    send("SIGHUP", 0);
    send("SIGHUP", 1000);
    send("SIGINT", 2000);
    send("SIGINT", 2100);
    expect(exit).not.toHaveBeenCalled();
    expect(() => send("SIGTERM", 2500)).toThrow("exit");
  });
  expect(exit.mock.calls).toEqual([[143]]);
  expect(context.exitCode).toBe(129);
  expect(stderr.text).toBe("\nSIGHUP: stopping (repeat to stop immediately)\n");
});

test.each([
  ["SIGINT", true, "\n"],
  ["SIGTERM", true, ""],
  ["SIGINT", false, ""],
] as const)("a second %s on a terminal (%s) leaves a line of its own", async (name, isTTY, written) => {
  const now = vi.spyOn(performance, "now");
  const stderr = new CapturedStream({ isTTY });
  const context = new Context({ stdout: stderr, stderr, env: {}, prepareEngine: async () => {} });
  await context.interruptible(async () => {
    now.mockReturnValue(0);
    process.emit(name);
    const before = stderr.text;
    now.mockReturnValue(1000);
    expect(() => process.emit(name)).toThrow("exit");
    expect(stderr.text.slice(before.length)).toBe(written);
  });
});

test("nohup makes a task go on when its terminal is gone", async () => {
  const { context } = testContext({ env: { _: "/usr/bin/nohup" } });
  await context.interruptible(async (signal) => {
    process.emit("SIGHUP");
    expect(signal.aborted).toBe(false);
  });
});

test.each([
  ["stderr", 141],
  ["stdout", 0],
] as const)("a closed %s stops a task, which ends with %i", async (name, exitCode) => {
  const { context, ...streams } = contextWithStreams();
  await context.interruptible(async (signal) => {
    streams[name].fail("EPIPE");
    streams[name].fail("EPIPE");
    expect(signal.reason).toMatchObject({ message: `stopped: ${name} was closed`, exitCode });
  });
  expect(context.exitCode).toBe(exitCode);
  expect(() => streams.stdout.fail("EPIPE")).toThrow("exit");
  expect(exit.mock.calls).toEqual([[exitCode]]);
  expect(streams.stderr.text).toBe("");
});

test("output that cannot be written for another reason does not stop a task", async () => {
  const { context, stdout, stderr } = contextWithStreams();
  await context.interruptible(async (signal) => {
    stdout.fail("ENOSPC");
    stderr.fail("ENOSPC");
    expect(signal.aborted).toBe(false);
  });
});

test("without a task, a closed stdout is no failure, another failure of stdout is, and stderr may be gone", () => {
  const { stdout, stderr } = contextWithStreams();
  stderr.fail("EPIPE");
  expect(exit).not.toHaveBeenCalled();
  expect(() => stdout.fail("EPIPE")).toThrow("exit");
  expect(() => stdout.fail("ENOSPC")).toThrow("exit");
  expect(exit.mock.calls).toEqual([[0], [1]]);
  expect(stderr.text).toContain("ENOSPC");
});
