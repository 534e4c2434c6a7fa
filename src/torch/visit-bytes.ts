import { noGrad } from "./autograd.ts";
import { detach, narrow, reshape } from "./operators.generated.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";

/** Elements that are copied out of a tensor at a time: the copy stays in the processor's cache, and little is garbage. */
const piece = 1 << 18;

/** Visits the bytes of a tensor's elements in row-major order, piece by piece; each piece is a copy. */
export function visitBytes(tensor: Tensor, visit: (bytes: Uint8Array) => void): void {
  noGrad(() =>
    scope(() => {
      const flat = reshape(detach(tensor), [-1]);
      for (let start = 0; start < flat.numel; start += piece) {
        using part = narrow(flat, 0, start, Math.min(piece, flat.numel - start));
        const { buffer, byteOffset, byteLength } = part.data();
        visit(new Uint8Array(buffer, byteOffset, byteLength));
      }
    }),
  );
}
