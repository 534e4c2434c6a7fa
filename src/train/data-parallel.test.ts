// Each test starts its ranks as processes of their own (testing/train-rank.ts).
import { join } from "node:path";
import { expect, it } from "vitest";
import { readEvents } from "../run/read-events.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { startRanks, trainOn } from "./testing/start-ranks.ts";
import type { Case } from "./testing/train-rank.ts";

async function expectSameBits(sizes: readonly number[], given: Case) {
  const [alone] = await trainOn(1, given);
  expect(alone.reason).toBe("finished");
  for (const size of sizes) expect(await trainOn(size, given)).toEqual(Array(size).fill(alone));
}

it("2, 4 and 8 ranks give the bits of one process with as many micro-batches", async () => {
  await expectSameBits([2, 4, 8], { kind: "scalora-i", microBatches: 8 });
}, 120_000);

it.each(["scalora, rounded", "lora", "full", "full, recomputed", "modules to save", "dropout"] as const)(
  "2 ranks give the bits of one process: %s",
  async (kind) => {
    await expectSameBits([2], { kind, microBatches: 3 });
  },
  60_000,
);

it("a rank whose micro-batch has no labels, or that has none, changes nothing", async () => {
  await expectSameBits([3], { kind: "lora", microBatches: 4, emptyEvery: 3 });
}, 60_000);

it("all ranks stop when one is asked to, and resume to the same bits, on another number of ranks too", async () => {
  const scratch = temporaryFolder();
  try {
    const given = { kind: "scalora-i", microBatches: 4, steps: 8 } as const;
    const [whole] = await trainOn(1, given);
    const folder = join(scratch.path, "run");
    const stopped = await trainOn(2, { ...given, folder, event: { what: "abort", rank: 1, step: 3 } });
    for (const { reason, step } of stopped) expect({ reason, step }).toEqual({ reason: "stopped", step: 3 });
    const [first, second] = stopped;
    expect(second.endedAt, "no rank ends before the first has saved").toBeGreaterThanOrEqual(first.savedAt);
    const again = await trainOn(2, {
      ...given,
      folder,
      resume: true,
      event: { what: "stop", rank: 0, step: 5 },
    });
    for (const { reason, step } of again) expect({ reason, step }).toEqual({ reason: "stopped", step: 5 });
    const pause = { what: "pause", rank: 0, step: 6 } as const;
    const resumed = await trainOn(4, { ...given, folder, resume: true, event: pause });
    for (const { hash, reason } of resumed)
      expect({ hash, reason }).toEqual({ hash: whole.hash, reason: "finished" });
    const steps = readEvents(folder).flatMap((event) =>
      event.type === "step" ? [event.loss, event.gradNorm] : [],
    );
    expect(steps).toEqual(whole.losses.filter((loss: unknown) => typeof loss === "number"));
  } finally {
    scratch.remove();
  }
}, 60_000);

it("a rank that is killed ends the others, and the record says so", async () => {
  const scratch = temporaryFolder();
  try {
    const folder = join(scratch.path, "run");
    const given = {
      kind: "lora",
      microBatches: 2,
      folder,
      event: { what: "kill", rank: 1, step: 2 },
    } as const;
    const [first, second] = await startRanks(2, given);
    expect(second?.signal).toBe("SIGKILL");
    expect(JSON.parse(first?.stdout ?? "")).toMatchObject([{ code: "run" }]);
    expect(readEvents(folder).at(-1)).toMatchObject({ type: "end", reason: "failed", step: 2 });
  } finally {
    scratch.remove();
  }
}, 60_000);

it("a rank that fails ends the others", async () => {
  const event = { what: "throw", rank: 1, step: 2 } as const;
  const [first, second] = await trainOn(2, { kind: "lora", microBatches: 2, event });
  expect([first, second]).toMatchObject([
    { code: "run", told: ["lost"] },
    { code: "internal", told: ["failed"] },
  ]);
}, 60_000);

it("names the layer of which a rank holds other bits", async () => {
  const given = { kind: "lora", microBatches: 2, event: { what: "damage", rank: 1, step: 1 } } as const;
  for (const refused of await trainOn(2, given))
    expect(refused).toMatchObject({ code: "run", where: expect.stringContaining("layers.0.") });
}, 60_000);
