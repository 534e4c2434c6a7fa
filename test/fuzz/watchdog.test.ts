import { expect, test } from "vitest";
import { runChild } from "../../src/testing/child-process.ts";

test.each([
  ["time", "too slow"],
  ["memory", "too much memory"],
])("an input that takes %s without end is ended, with the reason", async (what, reason) => {
  const { signal, stderr } = await runChild(new URL("endless-child.ts", import.meta.url), what);
  expect({ signal, stderr }).toEqual({ signal: "SIGKILL", stderr: expect.stringContaining(reason) });
});
