import type { Random } from "../../src/util/random.ts";
import type { Target } from "./target.ts";

/** Inputs that reached new code are kept up to this many; a new one then takes the place of an old one. */
const mostKept = 300;

/** Longest input: more would only be slower. */
const mostBytes = 1 << 18;

/** Draws the inputs of a target: damaged copies of its seeds, and of inputs that reached code which none had reached before. */
export class InputStream {
  private readonly target: Target;
  private readonly random: Random;
  private readonly kept: Uint8Array[] = [];

  constructor(target: Target, random: Random) {
    this.target = target;
    this.random = random;
  }

  next(): Uint8Array {
    const fromKept = this.kept.length > 0 && this.random.integerBelow(2) === 0;
    const parent = this.random.pick(fromKept ? this.kept : this.target.seeds);
    return this.target.mutate(parent, this.random).subarray(0, mostBytes);
  }

  keep(input: Uint8Array): void {
    if (this.kept.length < mostKept) this.kept.push(input);
    else this.kept[this.random.integerBelow(mostKept)] = input;
  }

  get keptCount(): number {
    return this.kept.length;
  }
}
