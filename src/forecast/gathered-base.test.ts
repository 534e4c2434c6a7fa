import { expect, it } from "vitest";
import { gatherSeconds, othersOf } from "./collectives.ts";
import { GatheredBase, type SharedBase, sharedBaseMemory } from "./gathered-base.ts";
import { StepTimeline } from "./step-timeline.ts";

const ranks = { size: 4, network: { latency: 0, bandwidth: 1 } };
const block = () => ({ isBlock: true, values: 6, bytes: [8, 4] });
const vocabulary = () => ({ isBlock: false, values: 3, bytes: [20] });
const blocks = (count: number) => Array.from({ length: count }, block);
const untied: SharedBase = [vocabulary(), ...blocks(5), vocabulary()];
const tied: SharedBase = [vocabulary(), ...blocks(5)];

/** What a second pass waits, and the bytes that it sends. */
function secondPass(base: SharedBase, seconds: number) {
  const timeline = new StepTimeline(0);
  const gathered = new GatheredBase(base, timeline, ranks);
  gathered.forwardAndBackward(seconds);
  const [waited, sentBytes] = [timeline.waited, gathered.sentBytes];
  gathered.forwardAndBackward(seconds);
  return { waited: timeline.waited - waited, sentBytes: gathered.sentBytes - sentBytes };
}

it("gathers each block twice but the two that the buffers still hold, and the embedding again only for an output layer", () => {
  // Of 5 blocks the last three forward and the first three backward, output layer and embedding.
  expect(secondPass(untied, 1000).sentBytes).toBe(othersOf(4, 6 * 12 + 2 * 20));
  expect(secondPass(tied, 1000).sentBytes).toBe(othersOf(4, 6 * 12));
});

it("waits for nothing while blocks take longer to compute than to gather", () => {
  expect(secondPass(untied, 1000).waited).toBe(0);
});

it("waits for every gather where nothing is computed", () => {
  const { waited, sentBytes } = secondPass(untied, 0);
  expect(waited).toBe(sentBytes);
});

it("waits for what a gather takes beyond the computation with the block before", () => {
  // 5 blocks of 6 values forward once and backward twice; the output layer is the embedding: 3 values twice.
  const unitOfWork = 1 / (5 * 6 * 3 + 3 * 2);
  const seconds = 7 / (6 * unitOfWork); // 7 s with a block forward, 14 s backward; a gather takes 9 s
  // Blocks 3 to 5 forward.
  expect(secondPass(tied, seconds).waited).toBeCloseTo(3 * 2, 9);
});

it("each tensor of a unit goes around the ring by itself", () => {
  const network = { latency: 1, bandwidth: 1 };
  expect(gatherSeconds(4, [8, 4], network)).toBe(3 + 2 * 3 + othersOf(4, 12));
  expect(gatherSeconds(1, [8, 4], network)).toBe(0);
});

it("a rank keeps its part, and has room for two blocks and a weight over the vocabulary", () => {
  expect(sharedBaseMemory(untied, 4)).toEqual({ kept: (5 * 12 + 40) / 4, buffers: 2 * 12 + 20 });
});
