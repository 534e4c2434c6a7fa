import type { Trainable } from "../../adapters/core/adapter-set.ts";
import { type DType, dtypeWidth, narrow, noGrad, scope, type Tensor, view } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";

/** Bytes of a bucket at most: few enough that the first is soon full, many enough that a message costs nothing beside them. */
export const usualBucketBytes = 25 * 2 ** 20;

/** A part of the gradient of a trainable. */
interface Piece {
  readonly trainable: number;
  readonly start: number;
  readonly length: number;
}

/** Gradients of one dtype, one after another, of which each rank adds up an equal part. */
export interface Bucket {
  readonly dtype: DType;
  readonly pieces: Piece[];
  numel: number;
}

/** The gradients in the order in which the backward pass ends with them: those of the last modules first. */
export function makeBuckets(trainables: readonly Trainable[], bytes: number): Bucket[] {
  const buckets: Bucket[] = [];
  for (const [trainable, { grad }] of [...trainables.entries()].reverse()) {
    const { dtype, numel } = grad;
    const most = Math.floor(bytes / dtypeWidth(dtype));
    for (let start = 0; start < numel; ) {
      const last = buckets.at(-1);
      const hasRoom = last !== undefined && last.dtype === dtype && last.numel < most;
      const bucket = hasRoom ? last : { dtype, pieces: [], numel: 0 };
      if (bucket !== last) buckets.push(bucket);
      const length = Math.min(numel - start, most - bucket.numel);
      bucket.pieces.push({ trainable, start, length });
      bucket.numel += length;
      start += length;
    }
  }
  return buckets;
}

/** The pieces of a bucket, flat, in the memory of the gradients. @param gradients of all trainables */
export const piecesOf = ({ pieces }: Bucket, gradients: readonly Tensor[]): Tensor[] =>
  pieces.map(({ trainable, start, length }) =>
    scope(() => narrow(view(elementAt(gradients, trainable), [-1]), 0, start, length)).keep(),
  );

/** Visits gradients and flat copies of them, each copy in its gradient's shape. */
export function visitInShape(
  pairs: Iterable<readonly [grad: Tensor, flat: Tensor]>,
  visit: (grad: Tensor, place: Tensor) => unknown,
): void {
  for (const [grad, flat] of pairs) noGrad(() => scope(() => void visit(grad, view(flat, [...grad.shape]))));
}

/** Values of a bucket of which one of so many ranks adds up the gradients. */
export const partOf = ({ numel }: Bucket, ranks: number): number => Math.ceil(numel / ranks);
