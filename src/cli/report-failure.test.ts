import { expect, test } from "vitest";
import { ScaloraError } from "../util/errors.ts";
import { reportFailure } from "./report-failure.ts";
import { Context } from "./terminal/context.ts";
import { CapturedStream } from "./testing/terminal.ts";

/** What a rank prints of an error. */
function printed(rank: number, error: unknown): string {
  const [stdout, stderr] = [new CapturedStream(), new CapturedStream()];
  const env = { RANK: `${rank}`, WORLD_SIZE: "2", LOCAL_RANK: "0", MASTER_ADDR: "here", MASTER_PORT: "1" };
  reportFailure(error, new Context({ stdout, stderr, env, prepareEngine: async () => {} }), false);
  return stderr.text;
}

const long = `it ${"goes on and ".repeat(50)}`;
const error = new ScaloraError("run", `This\nfailed`, {
  where: "here",
  expected: long,
  found: long,
  fix: "do this",
});

test("a rank other than 0 prints an error in one line: what is long shortened, what to do whole", () => {
  const [line = "", rest] = printed(1, error).split("\n");
  expect(rest).toBe("");
  expect(line).toMatch(
    /^error: This failed; where: here; expected: it goes on .*; found: it goes on .*; fix: do this$/,
  );
  expect(line.length).toBeLessThan(400);
  expect(printed(0, error)).toContain(long);
});

test("one that is not ours too", () => {
  expect(printed(1, Object.assign(new Error("set-up\nfailed"), { exitCode: 1 }))).toBe(
    "error: set-up failed\n",
  );
});
