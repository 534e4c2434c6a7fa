import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runChild, runsTypeScript } from "../testing/child-process.ts";

const launcher = new URL("../cli/testing/run-main.ts", import.meta.url);
const program = fileURLToPath(new URL("testing/ranks-main.ts", import.meta.url));

test("each of two processes runs on a rank of its own, alone, and stops when rank 0 says so", async () => {
  const words = [process.execPath, ...runsTypeScript, program];
  const { stdout, stderr } = await runChild(launcher, "launch", "--nproc", "2", "--", ...words);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    ranks: 2,
    outputs: ["rank 0: 0 1 2\n", expect.stringMatching(/^\d+ 0 1 2\n$/)],
    killed: ["SIGTERM", "SIGTERM"],
  });
}, 60_000);
