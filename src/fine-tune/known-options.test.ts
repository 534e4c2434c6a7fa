import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { chatKeys, requireKnown, saveKeys } from "./known-options.ts";

test("options that there are not are refused, and led to those that there are", () => {
  requireKnown("chat", { maxTokens: 5, system: "" }, chatKeys);
  const misspelt = () => requireKnown("chat", { max_tokens: 5 }, chatKeys);
  expect(misspelt).toThrow(refusal("usage", { found: "max_tokens", fix: "maxTokens" }));
  const unknown = () => requireKnown("save", { constructor: 1 }, saveKeys);
  expect(unknown).toThrow(refusal("usage", { found: "constructor", expected: "dtype" }));
});
