import { sequenceSpans, type TokenStream } from "../../nn/causal-lm.ts";
import type { LabelledStream, LabelledTokens } from "../../nn/causal-loss.ts";
import type { RecomputedPass } from "../../nn/recompute.ts";
import type { DType, Tensor } from "../../torch/index.ts";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { type BatchShape, longestSpan, paddedOffsets } from "./batch-shape.ts";

/** The numbers of a batch of one shape in one block of memory, so that one copy brings them to the device. */
class BatchNumbers {
  readonly buffer: ArrayBuffer;
  readonly divisor: Float64Array;
  readonly tokens: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly labelPositions: BigInt64Array;
  readonly labelTargets: BigInt64Array;
  readonly labelWeights: Float32Array;
  readonly starts: Int32Array;

  constructor({ tokens, labels, sequences }: BatchShape) {
    this.buffer = new ArrayBuffer(8 + 16 * tokens + 20 * labels + 4 * (sequences + 1));
    let at = 0;
    const place = (bytes: number) => {
      at += bytes;
      return at - bytes;
    };
    this.divisor = new Float64Array(this.buffer, place(8), 1);
    this.tokens = new BigInt64Array(this.buffer, place(8 * tokens), tokens);
    this.positions = new BigInt64Array(this.buffer, place(8 * tokens), tokens);
    this.labelPositions = new BigInt64Array(this.buffer, place(8 * labels), labels);
    this.labelTargets = new BigInt64Array(this.buffer, place(8 * labels), labels);
    this.labelWeights = new Float32Array(this.buffer, place(4 * labels), labels);
    this.starts = new Int32Array(this.buffer, place(4 * (sequences + 1)), sequences + 1);
  }

  /**
   * Padding repeats what is there (the longest sequence, the first label), so that nothing is computed that overflows where the
   * batch does not: 0 times that would be no number.
   * @returns the padded offsets
   */
  write(batch: LabelledTokens, shape: BatchShape, divisor: number): number[] {
    const offsets = paddedOffsets(batch.offsets, shape.tokens);
    this.divisor[0] = divisor;
    const tokens = bigints(batch.tokens);
    this.tokens.set(tokens);
    const repeated = longestSpan(batch.offsets).start;
    for (const { start, length } of sequenceSpans(offsets)) {
      if (start >= tokens.length) this.tokens.set(tokens.subarray(repeated, repeated + length), start);
      for (let i = 0; i < length; i++) this.positions[start + i] = BigInt(i);
    }
    // Empty sequences at the end.
    this.starts.fill(shape.tokens).set(offsets);
    this.labelPositions.fill(BigInt(elementAt(batch.labelPositions, 0))).set(bigints(batch.labelPositions));
    this.labelTargets.fill(BigInt(elementAt(batch.labelTargets, 0))).set(bigints(batch.labelTargets));
    this.labelWeights.fill(0).fill(1, 0, batch.labelTargets.length);
    return offsets;
  }
}

const bigints = (values: Int32Array) => BigInt64Array.from(values, BigInt);

/** The block on a device, and the tensors in it. */
function placesOf(numbers: BatchNumbers, device: string) {
  const block = torch.zeros([numbers.buffer.byteLength], { dtype: "uint8", device }).keep();
  const part = ({ byteOffset, byteLength }: ArrayBufferView, dtype: DType) =>
    torch.scope(() => torch.viewDType(torch.narrow(block, 0, byteOffset, byteLength), dtype)).keep();
  return {
    block,
    divisor: part(numbers.divisor, "float64"),
    tokens: part(numbers.tokens, "int64"),
    positions: part(numbers.positions, "int64"),
    labelPositions: part(numbers.labelPositions, "int64"),
    labelTargets: part(numbers.labelTargets, "int64"),
    labelWeights: part(numbers.labelWeights, "float32"),
    starts: part(numbers.starts, "int32"),
  };
}

/** Tensors of one shape of batches, which keep their places on the device while the batches change. */
export class StaticInputs implements Disposable {
  readonly shape: BatchShape;
  private readonly numbers: BatchNumbers;
  private readonly block: Tensor;
  private readonly parts: Omit<ReturnType<typeof placesOf>, "block">;
  private offsets: readonly number[] = [];

  constructor(shape: BatchShape, device: string) {
    this.shape = shape;
    this.numbers = new BatchNumbers(shape);
    const { block, ...parts } = torch.allOrNothing(() => placesOf(this.numbers, device));
    this.block = block;
    this.parts = parts;
  }

  /** @param divisor what the loss is divided by: the labels of the step */
  fill(batch: LabelledTokens, divisor: number): void {
    this.offsets = this.numbers.write(batch, this.shape, divisor);
    torch.noGrad(() =>
      torch.scope(() => {
        const bytes = new Uint8Array(this.numbers.buffer);
        torch.copy_(
          this.block,
          torch.fromData(bytes, [bytes.length], { dtype: "uint8", device: this.block.device }),
        );
      }),
    );
  }

  /** The mean of what `fill` has brought. */
  mean(loss: Tensor): Tensor {
    return torch.div(loss, torch.toDType(this.parts.divisor, loss.dtype));
  }

  /**
   * The batch that `fill` has brought.
   * @param isRecorded whether nothing may depend on where this batch's sequences begin but by tensors
   */
  stream(recompute: RecomputedPass | undefined, isRecorded: boolean): LabelledStream {
    const { tokens, positions, starts, labelPositions, labelTargets, labelWeights } = this.parts;
    const { offsets, shape } = this;
    const stream: TokenStream = {
      tokens,
      positions,
      bounds: { starts, longest: shape.longest },
      ...(recompute && { recompute }),
      get offsets() {
        if (isRecorded) throw new PassByLengths();
        return offsets;
      },
    };
    return { stream, labelPositions, labelTargets, labelWeights };
  }

  /** Frees the tensors. */
  dispose(): void {
    for (const tensor of [...Object.values(this.parts), this.block]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** What passes take that do not go by the lengths of a batch's sequences. */
export const flashAttentionOnly =
  "libtorch's flash attention: 16-bit weights, no soft cap, and rotary positions of one table";

/** A pass asks for the lengths of a batch's sequences, which a recording would have for good. */
export class PassByLengths extends ScaloraError {
  constructor() {
    super("run", "it goes by the lengths of a batch's sequences", { expected: flashAttentionOnly });
  }
}
