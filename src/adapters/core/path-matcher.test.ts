import { expect, test, vi } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import { MatchTime } from "../../util/timed-regexp.ts";
import { loraSchema } from "../lora/options.ts";
import { matchingPaths } from "./path-matcher.ts";
import { findTargets } from "./targets.ts";

const where = "adapter.targetModules";

test("a pattern is a name, the end of a path, or a regular expression", () => {
  const paths = ["layers.1.q_proj", "layers.11.q_proj", "layers.1.k_proj"];
  const found = (pattern: string) => [...matchingPaths(pattern, where, paths, new MatchTime())];
  expect(found("q_proj")).toEqual(paths.slice(0, 2));
  expect(found("1.q_proj")).toEqual(paths.slice(0, 1));
  expect(found("/layers\\.1\\./g")).toEqual([paths[0], paths[2]]);
});

test("a regular expression that is none is refused", () => {
  expect(() => matchingPaths("/(/", where, [], new MatchTime())).toThrow(
    refusal("config", { where, message: "/(/", found: "Unterminated group" }),
  );
});

test("a regular expression that would be matched for ever is refused after a second", () => {
  const slow = "/^([a-z_.0-9]+)+!$/";
  const paths = ["model.layers.11.self_attn.q_proj_of_a_long_name"];
  expect(() => matchingPaths(slow, where, paths, new MatchTime())).toThrow(
    refusal("config", { where, message: slow, found: "longer than a second" }),
  );
});

test("the second is for all patterns of a recipe's layers together", () => {
  using model = new TinyLM();
  const match = vi.spyOn(MatchTime.prototype, "firstMatches");
  const patterns = { targetModules: ["/mi/", "/x$/"], exclude: ["/^lm/"], rankPattern: { "/m.x/": 1 } };
  expect(findTargets(model, loraSchema.parse({ method: "lora", rank: 2, ...patterns }))).toHaveLength(1);
  expect(match).toHaveBeenCalledTimes(4);
  expect(new Set(match.mock.contexts).size).toBe(1);
  match.mockRestore();
});
