import { errorInOneLine } from "../util/error-in-one-line.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { Interruption } from "../util/interruption.ts";
import type { Context } from "./terminal/context.ts";

/** Prints an error on stderr, with its stack only for `--verbose`, and returns the exit code. */
export function reportFailure(error: unknown, context: Context, verbose: boolean): number {
  if (error instanceof Interruption) return error.exitCode;
  const label = context.paint("red", "error:");
  const isBrief = !verbose && context.rank > 0;
  if (isUserFacing(error)) context.error(`${label} ${isBrief ? errorInOneLine(error) : error.message}`);
  else {
    context.error(`${label} internal: ${messageOf(error)}`);
    if (!verbose)
      context.error("  fix:      this is a bug in scalora; run again with --verbose and report the output");
  }
  if (verbose) for (const stack of stacksOf(error)) context.error(context.paint("dim", stack));
  return isUserFacing(error) ? error.exitCode : 1;
}

/** Whether an error's message is meant for the user: `ScaloraError`, and errors of the set-up. */
function isUserFacing(error: unknown): error is Error & { exitCode: number } {
  if (error instanceof ScaloraError) return true;
  return error instanceof Error && "exitCode" in error && typeof error.exitCode === "number";
}

function stacksOf(error: unknown): string[] {
  const stacks: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause) {
    stacks.push(current.stack ?? current.message);
  }
  return stacks;
}
