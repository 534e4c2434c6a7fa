import { ConfigError } from "../schema/config-error.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import type { SentError } from "./messages.ts";

/** An error as data: its class would be lost on the way to another thread. */
export function errorToSend(error: unknown): SentError {
  if (error instanceof ScaloraError) {
    const { code, message, stack, where, expected, found, fix, cause } = error;
    const details = {
      where,
      expected,
      found,
      fix,
      cause: cause === undefined ? undefined : messageOf(cause),
    };
    const issues = error instanceof ConfigError ? { issues: error.issues } : {};
    return { kind: "scalora", code, message, stack, details, ...issues };
  }
  const plain = new Error(messageOf(error));
  if (error instanceof Error) {
    plain.name = error.name;
    if (error.stack !== undefined) plain.stack = error.stack;
  }
  return { kind: "other", error: plain };
}

/** The error that was sent, with the stack of the thread that it comes from. @param stopped what a stopped job throws */
export function errorSent(sent: SentError, stopped: () => unknown): unknown {
  if (sent.kind === "stopped") return stopped();
  if (sent.kind === "other") return sent.error;
  const error = sent.issues
    ? new ConfigError("", sent.issues)
    : new ScaloraError(sent.code, "", sent.details);
  error.message = sent.message;
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}
