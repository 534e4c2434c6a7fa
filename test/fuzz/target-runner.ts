import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ErrorCode, ScaloraError } from "../../src/util/errors.ts";
import { controlCharacters } from "../../src/util/quote.ts";
import type { Target } from "./target.ts";

/** How an input was taken: used, or refused with this code of bad input. */
export type Outcome = "accepted" | ErrorCode;

/** Longest message of a refusal, in characters: a recipe's problems, all of them. Values that it quotes are clipped. */
const longestMessage = 110_000;

/** Gives inputs to a target, in a folder of its own. */
export class TargetRunner {
  readonly target: Target;
  readonly folder: string;
  private readonly path: string;

  private constructor(target: Target, folder: string) {
    this.target = target;
    this.folder = folder;
    this.path = join(folder, target.file);
  }

  /** @param scratch a folder for all targets */
  static async open(target: Target, scratch: string): Promise<TargetRunner> {
    const runner = new TargetRunner(target, join(scratch, target.name));
    mkdirSync(dirname(runner.path), { recursive: true });
    await target.prepare?.(runner.folder);
    return runner;
  }

  lastInput(): Uint8Array {
    return readFileSync(this.path);
  }

  /** @throws whatever is no clear refusal of bad input */
  async run(input: Uint8Array): Promise<Outcome> {
    writeFileSync(this.path, input);
    try {
      await this.target.use(this.folder);
      return "accepted";
    } catch (error) {
      if (!(error instanceof ScaloraError) || error.exitCode !== 2) throw error;
      checkMessage(error);
      return error.code;
    }
  }
}

function checkMessage({ message }: ScaloraError): void {
  if (message.length > longestMessage)
    throw new Error(`a message of ${message.length} characters: ${message.slice(0, 300)}`);
  const at = message.search(controlCharacters);
  if (at < 0) return;
  const excerpt = JSON.stringify(message.slice(Math.max(0, at - 200), at + 20));
  throw new Error(`a message with a control character: ${excerpt}`);
}
