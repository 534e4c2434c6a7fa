import { expect, test } from "vitest";
import { required } from "../util/elements.ts";
import { presetNote } from "./preset-note.ts";
import { listMethods, methodNamed } from "./registry.ts";

/** The note for a method's options, at its preset rate or another. */
function noteOf(name: string, options: object, lr?: number) {
  const method = required(methodNamed(name), name);
  const parsed = required(method.schema.safeParse({ method: name, ...options }).data, "options");
  return presetNote(method, parsed, lr ?? method.presetLr);
}

test("every method names the source of its preset", () => {
  for (const { name, published } of listMethods()) expect(published?.source, name).toMatch(/\w/);
});

test.each([
  ["qlora", { rank: 64, alpha: 16 }],
  ["qlora", { rank: 16, alpha: 4 }],
  ["fourierft", { scaling: 300 }],
  ["hira", { rank: 32 }],
  ["lora", {}],
  ["lora", { rank: 1 }],
  ["lora-ga", {}],
  ["pissa", {}],
  ["mora", {}],
  ["full", {}],
  ["flora", { rank: 2 }],
  ["relora", {}],
  ["lora+", { rank: 4 }],
])("%s with %j has the published scale: nothing to say", (name, options) => {
  expect(noteOf(name, options)).toBeUndefined();
});

test.each([
  ["qlora", {}, /with rank 64 and alpha 16, a scale of 0\.25; here the scale is 2, .* 8 times as far/],
  ["lora", { alpha: 8 }, /rank 32 and alpha 64, a scale of 2; here the scale is 1, .* 0\.5 times as far/],
  ["lora", { alpha: 16, rslora: true }, /the scale is 5\.66/],
  ["fourierft", {}, /with scaling 300.*here the scale is 150/],
  ["hira", {}, /with rank 32; here it is rank 8/],
  ["relora", { alpha: 8 }, /with rank 32 and alpha 64, a scale of 2; here the scale is 1/],
  ["lora+", { rank: 16, alpha: 16 }, /a scale of 2; here the scale is 1/],
])("%s with %j: what becomes of the preset is said", (name, options, says) => {
  expect(noteOf(name, options)).toMatch(says);
});

test("another rate than the preset is the user's own", () => {
  expect(noteOf("qlora", {}, 1e-4)).toBeUndefined();
});
