import { expect, test } from "vitest";
import { ConfigError } from "../schema/config-error.ts";
import { ScaloraError } from "../util/errors.ts";
import { errorSent, errorToSend } from "./sent-error.ts";

/** An error that has gone to another thread. */
const sent = (error: unknown) => errorSent(structuredClone(errorToSend(error)), () => "stopped");

test("errors arrive as they left, with class, fields and stack", () => {
  const error = new ScaloraError("data", "A row is wrong", {
    where: "data.train:3",
    found: "nothing",
    cause: new Error("why"),
  });
  const arrived = sent(error);
  expect(arrived).toBeInstanceOf(ScaloraError);
  expect(arrived).toMatchObject({
    code: "data",
    exitCode: 2,
    where: "data.train:3",
    found: "nothing",
    message: error.message,
    stack: error.stack,
    cause: "why",
  });
  const issues = [
    { where: "fineTune()", key: "train.step", path: ["train", "step"], problem: "unknown key" },
  ];
  const config = new ConfigError("fineTune()", issues);
  expect(sent(config)).toBeInstanceOf(ConfigError);
  expect(sent(config)).toMatchObject({ issues, message: config.message, name: "ConfigError" });
});

test("other errors keep name, message and stack, whatever else they hold", () => {
  const error = Object.assign(new RangeError("too far"), { callback: () => {} });
  expect(sent(error)).toMatchObject({ name: "RangeError", message: "too far", stack: error.stack });
  expect(sent("a text")).toMatchObject({ message: "a text" });
  expect(errorSent({ kind: "stopped" }, () => "the signal's reason")).toBe("the signal's reason");
});
