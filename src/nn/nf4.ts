import * as torch from "../torch/index.ts";
import { noGrad, scope, type Tensor } from "../torch/index.ts";
import { mapTuple } from "../util/elements.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { QuantisedWeight } from "./quantised-weight.ts";

/** Weight values per block, which share an absmax scale; scales per group, which share a second scale (double quantisation). */
const [blockSize, groupSize] = [64, 256];

/** The 16 values of NF4: quantiles of the normal distribution, with an exact 0 (QLoRA, appendix E). */
const nf4Levels = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** The values of NF4's codes; all weights of a model share one codebook. */
export interface Nf4Codebook {
  /** Values of the 4-bit codes, `[16]`, ascending. */
  readonly levels: Tensor;
  /** Values of the 8-bit codes of scales, `[256]`, ascending. */
  readonly scales: Tensor;
}

/** Makes the codebook on a device; the caller owns it. */
export function nf4Codebook(device: string): Nf4Codebook {
  return scope(() => ({
    levels: torch.fromData(Float32Array.from(nf4Levels), [nf4Levels.length], { device }).keep(),
    scales: torch.toDevice(dynamicScales(), device, "float32").keep(),
  }));
}

/**
 * The dynamic 8-bit data type (arXiv 1511.04561) as bitsandbytes computes it: seven decades of both signs, each with twice as
 * many midpoints of an even grid as the one below, and 0 and 1.
 */
function dynamicScales(): Tensor {
  const decades = Array.from({ length: 7 }, (_, decade) => {
    const bounds = torch.linspace(0.1, 1, 2 ** decade + 1, { dtype: "float32", device: "cpu" });
    const [low, high] = mapTuple([0, 1], (from) => torch.narrow(bounds, 0, from, 2 ** decade));
    const means = torch.divScalar(torch.add(low, high), 2);
    const positive = torch.mulScalar(means, 10 ** (decade - 6));
    return [positive, torch.neg(positive)];
  });
  const ends = torch.fromData(Float32Array.of(0, 1), [2], { device: "cpu" });
  return torch.sort(torch.cat([...decades.flat(), ends]))[0];
}

/** The parts of a weight in NF4, in the order in which operators take them. */
export type Nf4Parts = readonly [
  packed: Tensor,
  absmax: Tensor,
  nestedAbsmax: Tensor,
  offset: Tensor,
  levels: Tensor,
  scales: Tensor,
];

/** Products with a weight in NF4, wherever its parts are. */
export abstract class Nf4Base extends QuantisedWeight {
  readonly format = "nf4";

  /** The parts, to be read in the present scope. */
  protected abstract parts(): Nf4Parts;

  /** `x Wᵀ + b`, with a gradient for x alone. @param x `[rows, in]` */
  forwardBase(x: Tensor, bias: Tensor | null): Tensor {
    const [m, n] = this.shape;
    return torch.nf4Linear(x, [...this.parts()], m, n, { bias });
  }

  /** `x (W + scale · A Bᵀ + P Qᵀ)ᵀ + b`, with gradients for x, A and B. */
  forwardLowRank(
    x: Tensor,
    bias: Tensor | null,
    A: Tensor,
    B: Tensor,
    scale: number,
    frozenDelta?: FrozenDelta,
  ): Tensor {
    const [m, n] = this.shape;
    return torch.nf4LoraLinear(x, [...this.parts()], m, n, A, B, scale, {
      bias,
      P: frozenDelta?.P,
      Q: frozenDelta?.Q,
    });
  }

  dense(): Tensor {
    const [m, n] = this.shape;
    return torch.nf4Dequantize([...this.parts()], m, n, this.dtype);
  }

  rows(indices: Tensor): Tensor {
    return torch.embedding(this.dense(), indices);
  }
}

/**
 * A frozen weight in NF4 with double quantisation (QLoRA, arXiv 2305.14314): 4 bits a value, 8 for every 64 values and 32 for
 * every 16,384. Codes and dequantised values equal those of bitsandbytes bit for bit. Each product dequantises and keeps nothing.
 */
export class Nf4Weight extends Nf4Base {
  /** The 4-bit codes, two a byte, the first in the upper half. */
  readonly packed: Tensor;
  /** 8-bit codes of the blocks' scales (their largest magnitudes). */
  readonly absmax: Tensor;
  readonly nested_absmax: Tensor;
  readonly offset: Tensor;
  readonly levels: Tensor;
  readonly scales: Tensor;

  /** @param weight `[out, in]`, owned by the caller; its dtype becomes that of the products */
  constructor(weight: Tensor, codebook: Nf4Codebook) {
    super(weight.sizes(2), weight.dtype);
    const codes = noGrad(() => scope(() => quantise(weight, codebook)));
    this.packed = codes.packed.keep();
    this.absmax = codes.absmax.keep();
    this.nested_absmax = codes.nested.keep();
    this.offset = codes.offset.keep();
    this.levels = codebook.levels;
    this.scales = codebook.scales;
  }

  get device(): string {
    return this.packed.device;
  }

  protected parts(): Nf4Parts {
    return [this.packed, this.absmax, this.nested_absmax, this.offset, this.levels, this.scales];
  }
}

interface Nf4Codes {
  readonly packed: Tensor;
  readonly absmax: Tensor;
  readonly nested: Tensor;
  readonly offset: Tensor;
}

function quantise(weight: Tensor, codebook: Nf4Codebook): Nf4Codes {
  const flat = torch.toDType(torch.flatten(weight), "float32");
  const { absmax, scaled } = scaledBlocks(flat);
  const packed = packCodes(torch.bucketize(scaled, midpoints(codebook.levels)));
  const offset = torch.mean(absmax);
  const { codes, largest } = quantiseScales(torch.sub(absmax, offset), codebook.scales);
  return { packed, absmax: codes, nested: largest, offset };
}

/**
 * Each value divided by the largest magnitude of its block. As in bitsandbytes, full blocks are multiplied by the reciprocal and
 * an incomplete last block is divided; magnitudes below 1e-38 count as 1e-38.
 */
function scaledBlocks(flat: Tensor): { absmax: Tensor; scaled: Tensor } {
  const rest = flat.numel % blockSize;
  const whole = flat.numel - rest;
  const blocks = torch.reshape(torch.narrow(flat, 0, 0, whole), [whole / blockSize, blockSize]);
  const absmax = torch.amax(torch.abs(blocks), { dim: [1] });
  const inverse = torch.reciprocal(torch.clampMin(absmax, minAbsmax));
  const scaled = torch.flatten(torch.mul(blocks, torch.unsqueeze(inverse, 1)));
  if (rest === 0) return { absmax, scaled: torch.clamp(scaled, { min: -1, max: 1 }) };
  const last = torch.narrow(flat, 0, whole, rest);
  const lastMax = torch.clampMin(torch.amax(torch.abs(last), { dim: [0], keepdim: true }), minAbsmax);
  return {
    absmax: torch.cat([absmax, lastMax]),
    scaled: torch.clamp(torch.cat([scaled, torch.div(last, lastMax)]), { min: -1, max: 1 }),
  };
}

const minAbsmax = 1e-38;

/** Boundaries between codes: a value gets the code of the nearest level; half way between two, of the lower. */
function midpoints(numbers: Tensor): Tensor {
  const count = numbers.numel - 1;
  return torch.divScalar(
    torch.add(torch.narrow(numbers, 0, 0, count), torch.narrow(numbers, 0, 1, count)),
    2,
  );
}

/** Packs two codes a byte; after an odd number of them follows the code of 0. */
function packCodes(codes: Tensor): Tensor {
  const zero = torch.full([codes.numel % 2], nf4Levels.indexOf(0), {
    dtype: codes.dtype,
    device: codes.device,
  });
  const pairs = torch.reshape(torch.cat([codes, zero]), [-1, 2]);
  const [first, second] = mapTuple([0, 1], (column) => torch.select(pairs, 1, column));
  return torch.toDType(torch.add(torch.leftShiftScalar(first, 4), second), "uint8");
}

/** Steps of the grid to which bitsandbytes rounds on the CPU before it looks for the nearest level. */
const roundingGridSize = 65535;

/** Quantises scales to 8-bit codes, group by group; a group of zeros has code 0. */
function quantiseScales(scales: Tensor, numbers: Tensor): { codes: Tensor; largest: Tensor } {
  const count = scales.numel;
  const groups = Math.ceil(count / groupSize);
  const padding = torch.zeros([groups * groupSize - count], { dtype: scales.dtype, device: scales.device });
  const grouped = torch.reshape(torch.cat([scales, padding]), [groups, groupSize]);
  const largest = torch.amax(torch.abs(grouped), { dim: [1] });
  const scaled = torch.clamp(torch.mul(grouped, torch.unsqueeze(torch.reciprocal(largest), 1)), {
    min: -1,
    max: 1,
  });
  const shifted = torch.mulScalar(torch.mulScalar(torch.addScalar(scaled, 1), 0.5), roundingGridSize);
  const cell = torch.floor(torch.addScalar(shifted, 0.5));
  const onGrid = torch.addScalar(torch.divScalar(torch.mulScalar(cell, 2), roundingGridSize), -1);
  const known = torch.maskedFill(onGrid, torch.unsqueeze(torch.eqScalar(largest, 0), 1), -1);
  const codes = torch.toDType(torch.bucketize(known, midpoints(numbers)), "uint8");
  return { codes: torch.narrow(torch.flatten(codes), 0, 0, count), largest };
}
