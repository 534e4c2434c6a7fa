import { type ErrorDetails, ScaloraError } from "../util/errors.ts";

/** Another rank was asked to stop, by a signal: this one ends with the same exit code. */
export class StoppedElsewhere extends ScaloraError {
  private readonly codeOfOther: number;

  constructor(what: string, exitCode: number, details: ErrorDetails) {
    super("run", what, details);
    this.codeOfOther = exitCode;
  }

  override get exitCode(): number {
    return this.codeOfOther;
  }
}
