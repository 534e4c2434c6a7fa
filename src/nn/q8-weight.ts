import type { DType, Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { mapTuple } from "../util/elements.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { QuantisedWeight } from "./quantised-weight.ts";

/** Columns that share a scale. */
export const q8BlockSize = 32;
/** Bytes of a block in a GGUF file: the scale in float16, the codes. */
const blockBytes = 2 + q8BlockSize;

/**
 * A weight in Q8_0, GGUF's format of 8 bits a value and a float16 scale for 32 values, to compute with but not to train: no
 * gradient passes through it. A product quantises its input in the same way and multiplies integers (docs/evaluation.md).
 */
export class Q8Weight extends QuantisedWeight {
  readonly format = "q8_0";
  /** Codes and scales, in the order in which products read them. */
  readonly codes: Tensor;
  readonly scales: Tensor;

  /** @param blocks uint8 `[out, in / 32 * 34]`, a GGUF file's bytes, owned by the caller */
  constructor(blocks: Tensor, dtype: DType) {
    const [rows, bytes] = blocks.sizes(2);
    super([rows, (bytes / blockBytes) * q8BlockSize], dtype);
    const [codes, scales] = torch.q8Pack(blocks);
    this.codes = codes.keep();
    this.scales = scales.keep();
  }

  get device(): string {
    return this.codes.device;
  }

  /** @throws ScaloraError `tensor` where a gradient of x is recorded */
  forwardBase(x: Tensor, bias: Tensor | null): Tensor {
    return torch.q8Linear(x, this.codes, this.scales, this.shape[0], { bias });
  }

  forwardLowRank(
    x: Tensor,
    bias: Tensor | null,
    A: Tensor,
    B: Tensor,
    scale: number,
    frozenDelta?: FrozenDelta,
  ): Tensor {
    const change = torch.mulScalar(lowRank(x, A, B), scale);
    const whole = torch.add(this.forwardBase(x, bias), change);
    return frozenDelta === undefined ? whole : torch.add(whole, lowRank(x, frozenDelta.P, frozenDelta.Q));
  }

  dense(): Tensor {
    const { device } = this;
    return this.rows(torch.arange(0, this.shape[0], { dtype: "int64", device }));
  }

  rows(indices: Tensor): Tensor {
    const [m, n] = this.shape;
    return torch.q8Embedding(this.codes, this.scales, m, n, indices, this.dtype);
  }
}

/** `x B Aᵀ` in the dtype of x. */
function lowRank(x: Tensor, A: Tensor, B: Tensor): Tensor {
  const [up, down] = mapTuple([A, B], (factor) => torch.toDType(factor, x.dtype));
  return torch.fastLinear(torch.matmul(x, down), up);
}
