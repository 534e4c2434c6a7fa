import { expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { patternTest } from "./path-matcher.ts";

const path = "model.layers.11.self_attn.q_proj_of_a_long_name";

test("a regular expression that is none is refused", () => {
  expect(() => patternTest("/(/", "adapter.targetModules")).toThrow(
    refusal("config", { where: "adapter.targetModules", message: "/(/", found: "Unterminated group" }),
  );
});

test("a regular expression that would be matched for ever is refused after a second", () => {
  const matches = patternTest("/^([a-z_.0-9]+)+!$/", "adapter.targetModules");
  expect(() => matches(path)).toThrow(
    refusal("config", { where: "adapter.targetModules", found: "longer than a second" }),
  );
});
