import type { Trainable } from "../adapters/core/adapter-set.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { forEachParameter } from "./gradient-norms.ts";

/** Sum and norm in float64: equal for equal values, and in practice different for different ones. */
function fingerprint(x: Tensor): string {
  return torch.noGrad(() =>
    torch.scope(() => {
      const values = torch.detach(x);
      const sum = torch.sum(values, { dtype: "float64" }).item();
      return `${sum} ${torch.linalgVectorNorm(values, { dtype: "float64" }).item()}`;
    }),
  );
}

/** Finds parameters that training leaves unchanged: a frozen layer, a zero gradient, updates lost to rounding. */
export class UnchangedParameterDetector {
  private readonly before = new Map<string, string>();
  private readonly trainables: readonly Trainable[];

  constructor(trainables: readonly Trainable[]) {
    this.trainables = trainables;
    this.forEachFingerprint((name, print) => this.before.set(name, print));
  }

  /** Names of the parameters that have not changed since construction. */
  unchanged(): string[] {
    const names: string[] = [];
    this.forEachFingerprint((name, print) => {
      if (this.before.get(name) === print) names.push(name);
    });
    return names;
  }

  private forEachFingerprint(see: (name: string, print: string) => void): void {
    for (const trainable of this.trainables)
      forEachParameter(trainable, trainable.value, (name, part) => see(name, fingerprint(part)));
  }
}
