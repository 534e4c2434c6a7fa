import { gatherSeconds, type Network, othersOf } from "./collectives.ts";
import type { StepTimeline } from "./step-timeline.ts";

/** Frozen weights that are gathered together (`train.shardBase`): those of a block, or one over the vocabulary. */
export interface SharedUnit {
  readonly isBlock: boolean;
  /** Number of values. */
  readonly values: number;
  /** Bytes of each tensor that ranks have slices of. */
  readonly bytes: readonly number[];
}

/**
 * A base of which each rank keeps a slice: its units in the order in which a forward pass uses them. The first one over the
 * vocabulary is the embedding, the second one the output layer; if there is only one, it is both.
 */
export type SharedBase = readonly SharedUnit[];

/** A unit in its place of a pass. */
interface Use {
  readonly unit: SharedUnit;
  /** The unit that is gathered meanwhile. */
  readonly next: SharedUnit | undefined;
  /** How long the pass computes with it, in any measure. */
  readonly work: number;
}

/**
 * The passes of a rank over a base that is shared out, as `WeightShards` gathers it: a unit is there before it is used, and
 * meanwhile the next one in the direction of the pass is gathered. There is room for two blocks, and for one weight over the
 * vocabulary. A pass computes with a unit as long as it has values: a third of it forward, two thirds backward, where the block
 * is run again first; over the vocabulary it is run once.
 */
export class GatheredBase {
  /** Bytes that the rank has sent. */
  sentBytes = 0;
  private readonly base: SharedBase;
  private readonly timeline: StepTimeline;
  private readonly ranks: { readonly size: number; readonly network: Network };
  /** What is there, with the time at which it is; least recently used first. */
  private held: { readonly unit: SharedUnit; readonly end: number }[];

  /** At the beginning there is what the backward pass before has left: the first two blocks and the embedding. */
  constructor(base: SharedBase, timeline: StepTimeline, ranks: { size: number; network: Network }) {
    this.base = base;
    this.timeline = timeline;
    this.ranks = ranks;
    const left = [...ofKind(base, false).slice(0, 1), ...ofKind(base, true).slice(0, 2)];
    this.held = left.map((unit) => ({ unit, end: 0 }));
  }

  /** A forward pass. @param seconds in which it computes */
  forward(seconds: number): void {
    this.pass(this.forwardUses(), seconds);
  }

  /** A forward and a backward pass. @param seconds in which they compute */
  forwardAndBackward(seconds: number): void {
    this.pass([...this.forwardUses(), ...this.backwardUses()], seconds);
  }

  private forwardUses(): Use[] {
    const { base } = this;
    const [embedding, head = embedding] = ofKind(base, false);
    const uses = base
      .map((unit, index) => ({ unit, next: base[index + 1], work: unit.isBlock ? unit.values : 0 }))
      .filter(({ unit }) => unit.isBlock || unit === embedding);
    return head ? [...uses, { unit: head, next: undefined, work: 2 * head.values }] : uses;
  }

  private backwardUses(): Use[] {
    const { base } = this;
    const uses = base.map((unit, index) => ({ unit, next: base[index - 1], work: 2 * unit.values }));
    return uses.filter(({ unit }) => unit.isBlock).toReversed();
  }

  private pass(uses: readonly Use[], seconds: number): void {
    const all = uses.reduce((sum, { work }) => sum + work, 0);
    for (const { unit, next, work } of uses) {
      this.timeline.waitUntil(this.endOf(unit));
      if (next) this.endOf(next);
      this.timeline.compute((seconds * work) / all);
    }
  }

  /** When a unit is there; it begins to be gathered unless it is. */
  private endOf(unit: SharedUnit): number {
    const end = this.held.find((each) => each.unit === unit)?.end ?? this.gather(unit);
    const others = this.held.filter((each) => each.unit !== unit);
    const sameKind = others.filter((each) => each.unit.isBlock === unit.isBlock);
    const evicted = sameKind.length < (unit.isBlock ? 2 : 1) ? undefined : sameKind[0];
    this.held = [...others.filter((each) => each !== evicted), { unit, end }];
    return end;
  }

  private gather({ bytes }: SharedUnit): number {
    const { size, network } = this.ranks;
    const sent = othersOf(size, sum(bytes));
    this.sentBytes += sent;
    return this.timeline.begin(gatherSeconds(size, bytes, network), sent);
  }
}

/** What a rank keeps of a base that is shared out, and where it gathers it to, in bytes. */
export function sharedBaseMemory(base: SharedBase, size: number): { kept: number; buffers: number } {
  const bytesOf = (isBlock: boolean) => ofKind(base, isBlock).map(({ bytes }) => sum(bytes));
  const [blocks, others] = [bytesOf(true), bytesOf(false)];
  return {
    kept: (sum(blocks) + sum(others)) / size,
    buffers: 2 * Math.max(0, ...blocks) + Math.max(0, ...others),
  };
}

const ofKind = (base: SharedBase, isBlock: boolean) => base.filter((unit) => unit.isBlock === isBlock);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
