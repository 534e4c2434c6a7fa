import { Command } from "commander";
import { Context } from "../terminal/context.ts";
import type { OutputStream } from "../terminal/output-stream.ts";

/** A stream that records its output. */
export class CapturedStream implements OutputStream {
  text = "";
  readonly isTTY: boolean;
  readonly columns: number;

  constructor({ isTTY = false, columns = 100 } = {}) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }
}

/** A context with captured streams, whose engine is already set up. */
export function testContext({
  env = {},
  ...terminal
}: {
  isTTY?: boolean;
  columns?: number;
  env?: NodeJS.ProcessEnv;
} = {}) {
  const stdout = new CapturedStream(terminal);
  const stderr = new CapturedStream(terminal);
  const context = new Context({ stdout, stderr, env, prepareEngine: async () => {} });
  return { context, stdout, stderr };
}

/** Runs a single command, as `main` does. */
export async function runVerb(add: (program: Command) => void, args: readonly string[]): Promise<void> {
  const program = new Command("scalora")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  add(program);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync([...args], { from: "user" });
}
