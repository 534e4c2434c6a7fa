import { expect, test } from "vitest";
import { mergeErrors } from "./errors-of-ranks.ts";

test("errors of several ranks: once, with the ranks that have them, unless all do", () => {
  const tooBig = (bytes: number) => `The run does not fit\n  where:    train.batchSize\n  found:    ${bytes}`;
  const missing = (path: string) => `A file is missing\n  where:    ${path}`;
  expect(
    mergeErrors([
      ["wrong", tooBig(1)],
      ["wrong", tooBig(2), missing("/a")],
      ["wrong", missing("/b")],
    ]),
  ).toEqual(["wrong", `rank 0, 1: ${tooBig(1)}`, `rank 1: ${missing("/a")}`, `rank 2: ${missing("/b")}`]);
});

test("the errors of one rank are as they are", () => {
  expect(mergeErrors([["wrong", "worse"]])).toEqual(["wrong", "worse"]);
});
