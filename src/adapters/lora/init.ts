import { copy_, divScalar, type Generator, noGrad, randn, scope, uniform_ } from "../../torch/index.ts";
import type { LowRankBank } from "../core/bank.ts";
import type { StartOptions } from "../options/fields.ts";

/** How B starts; A starts at zero, so that the adapted model is the base model. */
export type LoraInit = StartOptions["init"];

/**
 * Draws B (PEFT's `lora_A`): `kaiming` is PEFT's default, uniform in ±1/√n (Kaiming-uniform with a = √5 on `[r, n]`); `gaussian` is normal with
 * deviation 1/r.
 */
export function initialiseFactors(bank: LowRankBank, init: LoraInit, generator: Generator): void {
  const { n, rank } = bank.shape;
  noGrad(() => {
    if (init === "kaiming") {
      const bound = 1 / Math.sqrt(n);
      uniform_(bank.B, { from: -bound, to: bound, generator });
    } else {
      scope(() => {
        const { B } = bank;
        copy_(B, divScalar(randn(B.shape, { generator, dtype: B.dtype, device: B.device }), rank));
      });
    }
  });
}
