import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { goldenGguf } from "../../testing/golden-gguf.js";
import { Random } from "../../util/random.js";
import { survive } from "./testing/survive.js";

const folder = mkdtempSync(join(tmpdir(), "scalora-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** `tools/fuzz-gguf.ts` does the same for as many files as wanted. */
const seconds = 5;

test(`${seconds} seconds of damaged files: each is read or refused, in little time and memory`, () => {
  const files = [
    "models/gemma3.gguf",
    "models/llama3-rope.gguf",
    "tokenizers/gpt2.gguf",
    "tokenizers/gemma.gguf",
  ];
  const sources = files.map((name) => readFileSync(goldenGguf(name)));
  const random = new Random(6);
  const counts = { read: 0, refused: 0 };
  const before = process.memoryUsage().rss;
  const end = performance.now() + 1000 * seconds;
  for (let round = 0; performance.now() < end; round++) {
    const source = sources[round % sources.length];
    const started = performance.now();
    counts[survive(source, join(folder, "damaged.gguf"), random, 12_000)]++;
    expect(performance.now() - started).toBeLessThan(3000);
  }
  expect(counts.refused).toBeGreaterThan(20);
  expect(counts.read).toBeGreaterThan(5);
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
}, 60_000);
