import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Log } from "./log.ts";
import { streamText } from "./streamed-text.ts";

async function read<T>(log: AsyncIterable<T>, pause = async () => {}): Promise<T[]> {
  const items: T[] = [];
  for await (const item of log) {
    items.push(item);
    await pause();
  }
  return items;
}

test("readers get every item, however late and slow they are", async () => {
  const log = new Log<number>();
  const early = read(log);
  const slow = read(log, () => setImmediate());
  for (let i = 0; i < 50; i++) {
    log.add(i);
    if (i % 7 === 0) await setImmediate();
  }
  const midway = read(log);
  log.end();
  const all = Array.from({ length: 50 }, (_, i) => i);
  expect(await Promise.all([early, slow, midway, read(log)])).toEqual([all, all, all, all]);
});

test("readers get the error after the last item, and undefined is an error too", async () => {
  for (const error of [new Error("over"), undefined]) {
    const log = new Log<number>();
    const items: number[] = [];
    const reading = (async () => {
      for await (const item of log) items.push(item);
    })();
    log.add(1);
    log.end({ error });
    await expect(reading).rejects.toBe(error);
    expect(items).toEqual([1]);
  }
});

const summary = { promptTokens: 1, tokens: 2, reason: "end", seconds: 0 } as const;

test("a text is awaited, read in pieces, and ended by leaving the loop", async () => {
  const text = streamText(async (onPiece) => {
    for (const piece of ["a", "b", "c"]) {
      await setImmediate();
      onPiece(piece);
    }
    return summary;
  });
  expect(await read(text)).toEqual(["a", "b", "c"]);
  expect(await text).toBe("abc");
  expect(await text.summary()).toBe(summary);
  let isLeft = false;
  const endless = streamText(async (onPiece, signal) => {
    for (; !signal.aborted; await setImmediate()) onPiece("x");
    isLeft = true;
    return { ...summary, reason: "interrupted" };
  });
  for await (const piece of endless) {
    expect(piece).toBe("x");
    break;
  }
  expect((await endless.summary()).reason).toBe("interrupted");
  expect(isLeft).toBe(true);
});

test("a text that fails is an error of each way to it", async () => {
  const failing = streamText(async (onPiece) => {
    onPiece("a");
    throw new Error("no more");
  });
  await expect(read(failing)).rejects.toThrow("no more");
  await expect(failing).rejects.toThrow("no more");
  await expect(failing.summary()).rejects.toThrow("no more");
});
