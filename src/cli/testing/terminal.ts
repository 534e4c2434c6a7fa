import { Command } from "commander";
import { Context } from "../context.ts";
import type { TextStream } from "../terminal/text.ts";

/** A stream that keeps what is written. */
export class CapturedStream implements TextStream {
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

/** A context over recorders, whose engine needs no set-up. */
export function testContext({ isTTY = false, env = {} }: { isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const stdout = new CapturedStream({ isTTY });
  const stderr = new CapturedStream({ isTTY });
  const context = new Context({ stdout, stderr, env, prepareEngine: async () => {} });
  return { context, stdout, stderr };
}

/** Runs one verb alone, as `main` would. */
export async function runVerb(add: (program: Command) => void, args: readonly string[]): Promise<void> {
  const program = new Command("scalora")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  add(program);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync([...args], { from: "user" });
}
