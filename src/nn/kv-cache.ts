import { copy_, empty, narrow, noGrad, type Tensor } from "../torch/index.ts";
import { required } from "../util/elements.ts";
import { internalError } from "../util/errors.ts";

interface LayerCache {
  /** `[capacity, kvHeads, headDim]`, the first `length` rows used. */
  keys: Tensor;
  values: Tensor;
  capacity: number;
}

/** Key-value cache of one sequence: the keys and values of its tokens so far, for every layer. */
export class KeyValueCache implements Disposable {
  private readonly layers: (LayerCache | undefined)[];
  private usedLength = 0;

  constructor(layers: number) {
    this.layers = Array.from({ length: layers }, () => undefined);
  }

  /** Tokens that every layer holds. */
  get length(): number {
    return this.usedLength;
  }

  /**
   * Appends new tokens to one layer and returns the keys and values of all tokens, as views of the cache.
   * @param keys `[new, kvHeads, headDim]`; so are the values
   */
  append(layer: number, keys: Tensor, values: Tensor): { keys: Tensor; values: Tensor } {
    const count = keys.size(0);
    const total = this.usedLength + count;
    const cache = this.reserve(layer, keys, total);
    noGrad(() => {
      copy_(narrow(cache.keys, 0, this.usedLength, count), keys);
      copy_(narrow(cache.values, 0, this.usedLength, count), values);
    });
    return { keys: narrow(cache.keys, 0, 0, total), values: narrow(cache.values, 0, 0, total) };
  }

  /**
   * A layer's full tensors, with room for one more token after the `length` rows used; the caller writes it there. The cache is
   * not empty.
   */
  reserveNext(layer: number): { keys: Tensor; values: Tensor } {
    const { keys } = required(this.layers[layer], "a layer's cache");
    return this.reserve(layer, keys, this.usedLength + 1);
  }

  /** Advances `length` by tokens that every layer has appended. */
  advance(count: number): void {
    this.usedLength += count;
  }

  /** A copy, for a sequence that branches (beam search). */
  fork(): KeyValueCache {
    const copy = new KeyValueCache(this.layers.length);
    for (const [i, layer] of this.layers.entries()) {
      if (layer === undefined) continue;
      const { keys, values } = copy.reserve(i, layer.keys, this.usedLength + 1);
      noGrad(() => {
        copy_(narrow(keys, 0, 0, this.usedLength), narrow(layer.keys, 0, 0, this.usedLength));
        copy_(narrow(values, 0, 0, this.usedLength), narrow(layer.values, 0, 0, this.usedLength));
      });
    }
    copy.usedLength = this.usedLength;
    return copy;
  }

  /** Drops all but the first `length` tokens. */
  truncate(length: number): void {
    if (length > this.usedLength)
      throw internalError(`a cache of ${this.usedLength} tokens cannot keep ${length}`);
    this.usedLength = length;
  }

  dispose(): void {
    for (const layer of this.layers) {
      layer?.keys.dispose();
      layer?.values.dispose();
    }
    this.layers.fill(undefined);
    this.usedLength = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private reserve(index: number, like: Tensor, total: number): LayerCache {
    const old = this.layers[index];
    if (old !== undefined && old.capacity >= total) return old;

    const [, heads, headDim] = like.sizes(3);
    const capacity = Math.max(64, 2 ** Math.ceil(Math.log2(total)));
    const make = () => empty([capacity, heads, headDim], { dtype: like.dtype, device: like.device }).keep();
    const grown = { keys: make(), values: make(), capacity };
    if (old !== undefined) {
      noGrad(() => {
        copy_(narrow(grown.keys, 0, 0, this.usedLength), narrow(old.keys, 0, 0, this.usedLength));
        copy_(narrow(grown.values, 0, 0, this.usedLength), narrow(old.values, 0, 0, this.usedLength));
      });
      old.keys.dispose();
      old.values.dispose();
    }
    this.layers[index] = grown;
    return grown;
  }
}
