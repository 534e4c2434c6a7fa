import { expect, test } from "vitest";
import { parseGemma2Config } from "../gemma2/config.ts";
import { parseGemma3TextConfig } from "../gemma3/config.ts";
import { describeDecoderForGguf } from "./gguf-metadata.ts";

const gemma2 = (changes: Record<string, unknown>) =>
  describeDecoderForGguf(parseGemma2Config(changes, "config.json"), "config.json");

test("Gemma 2 is written with both of its soft caps, or not at all: readers fill a missing one with its own", () => {
  const keys = gemma2({}).metadata.map(([key]) => key);
  expect(keys).toContain("gemma2.attn_logit_softcapping");
  expect(keys).toContain("gemma2.final_logit_softcapping");
  for (const cap of ["attn_logit_softcapping", "final_logit_softcapping"])
    expect(() => gemma2({ [cap]: null }), cap).toThrow("soft caps: both, always");
});

test("Gemma 3 is not written with a soft cap of scores, which readers ignore", () => {
  const config = parseGemma3TextConfig({}, "config.json");
  const of = (scoreSoftCap?: number) => () =>
    describeDecoderForGguf({ ...config, attentionLogitSoftcap: scoreSoftCap }, "config.json");
  expect(of(50)).toThrow("attn_logit_softcapping: none");
  expect(of()).not.toThrow();
});
