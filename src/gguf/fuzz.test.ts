import { afterAll, expect, test } from "vitest";
import { runChild } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** `tools/fuzz-gguf.ts` does the same for as long as wanted. */
const seconds = 10;

test(`${seconds} seconds of damaged files: each is used or refused, in little time and memory`, async () => {
  const child = new URL("testing/fuzz-child.ts", import.meta.url);
  const { code, signal, stdout, stderr } = await runChild(child, scratch.path, `${seconds}`, "6");
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
  const { read, refused, slowest, megabytes } = JSON.parse(stdout);
  expect(refused).toBeGreaterThan(20);
  expect(read).toBeGreaterThan(5);
  expect(slowest).toBeLessThan(3000);
  expect(megabytes).toBeLessThan(1000);
}, 60_000);
