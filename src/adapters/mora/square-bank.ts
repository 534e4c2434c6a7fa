import type { z } from "zod";
import type { Linear, LinearAdapter } from "../../nn/index.ts";
import {
  add,
  cat,
  eye,
  fastLinear,
  fromData,
  mul,
  narrow,
  neg,
  reshape,
  scope,
  select,
  sum,
  type Tensor,
  toDType,
  transpose,
} from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { adapterDType, Bank, type NamedLinear, type StackedParameter } from "../core/bank.ts";
import type { moraSchema } from "./options.ts";

/** Ways into the square matrix and out of it: equation 9 of the paper (type 6 of its code), or equation 6 (type 1). */
export type MoraType = z.output<typeof moraSchema>["type"];

/** The sizes that all layers of one bank share. */
export interface SquareShape {
  readonly m: number;
  readonly n: number;
  /** r̂: rows and columns of the square matrix. */
  readonly width: number;
  readonly type: MoraType;
}

/**
 * r̂ = ⌊√((m + n) r) + ½⌋, the square with as many numbers as a LoRA of rank r; rotation turns pairs, so it is even there.
 */
export function squareWidth(m: number, n: number, rank: number, type: MoraType): number {
  const width = Math.floor(Math.sqrt((m + n) * rank) + 0.5);
  return type === "rotation" ? Math.max(2, width - (width % 2)) : width;
}

/** Square matrices `[L, r̂, r̂]` of L layers of equal shape. */
export class SquareBank extends Bank {
  readonly shape: SquareShape;
  readonly square: StackedParameter;
  /** Cosines and sines by group and column, `[groups, r̂]`; undefined with sharing. */
  private readonly turns: readonly [cos: Tensor, sin: Tensor] | undefined;

  constructor(name: string, shape: SquareShape, layers: readonly NamedLinear[]) {
    super(name, layers, { square: [shape.width, shape.width] });
    this.shape = shape;
    this.square = this.stack("square");
    this.turns = shape.type === "rotation" ? turnsOf(shape, elementAt(layers, 0).linear.weight) : undefined;
  }

  override linearAdapter(index: number): LinearAdapter {
    const square = this.leaf("square", index);
    return {
      forward: (x, base) => add(base.forwardBase(x), this.apply(x, square)),
    };
  }

  override effectiveWeight(index: number, base: Tensor): Tensor {
    const [, n] = base.sizes(2);
    const unit = eye(n, { dtype: base.dtype, device: base.device });
    return add(base, transpose(this.apply(unit, select(this.square.value, 0, index)), 0, 1));
  }

  /** The change of the output, `[rows, m]`. @param x `[rows, n]` */
  private apply(x: Tensor, square: Tensor): Tensor {
    const { m, n, width } = this.shape;
    const rows = x.size(0);
    const own = toDType(square, x.dtype);
    const groups = Math.ceil(n / width);
    const parts = reshape(fill(x, groups * width), [rows, groups, width]);
    if (!this.turns) return fill(fastLinear(sum(parts, { dim: [1] }), own), m);
    const rotated = reshape(rotatePairs(parts, this.turns), [rows * groups, width]);
    return fill(reshape(fastLinear(rotated, own), [rows, groups * width]), m);
  }

  override dispose(): void {
    super.dispose();
    for (const tensor of this.turns ?? []) tensor.dispose();
  }
}

/** The columns of a matrix again and again, until there are `count`. */
function fill(x: Tensor, count: number): Tensor {
  const [, have] = x.sizes(2);
  if (have === count) return x;
  const whole = Array.from({ length: Math.floor(count / have) }, () => x);
  const rest = count % have;
  return cat(rest === 0 ? whole : [...whole, narrow(x, 1, 0, rest)], { dim: 1 });
}

/** Turns the pairs (j, j + r̂/2) of each group by the group's angle, as rotary embeddings do. */
function rotatePairs(parts: Tensor, turns: readonly [cos: Tensor, sin: Tensor]): Tensor {
  const [cos, sin] = mapTuple(turns, (table) => toDType(table, parts.dtype));
  const half = parts.size(2) / 2;
  const crossed = cat([neg(narrow(parts, 2, half, half)), narrow(parts, 2, 0, half)], { dim: 2 });
  return add(mul(parts, cos), mul(crossed, sin));
}

/** Group g turns pair j by g · 10000^(−2j/r̂). */
function turnsOf({ n, width }: SquareShape, weight: Linear["weight"]): [cos: Tensor, sin: Tensor] {
  const groups = Math.ceil(n / width);
  const half = width / 2;
  const table = (of: (angle: number) => number) => {
    const values = Float64Array.from({ length: groups * width }, (_, i) => {
      const [group, column] = [Math.floor(i / width), i % width];
      return of(group * 10000 ** ((-2 * (column % half)) / width));
    });
    return scope(() =>
      toDType(fromData(values, [groups, width], { device: weight.device }), adapterDType(weight)),
    ).keep();
  };
  return [table(Math.cos), table(Math.sin)];
}
