import { expect, test } from "vitest";
import { ScaloraError } from "../../util/errors.ts";
import { type MemoryChoice, planMemory } from "./plan-memory.ts";

const need = (total: number) => {
  return { total, least: 1, fixed: 1, perToken: 1, tokens: 100, longestRow: 10, unknown: [] };
};

/** The plan of a run that takes so many bytes without and with recomputation, and what was measured for it. */
function plan(setting: MemoryChoice["setting"], plain: number, recomputed: number, isChecked = true) {
  const measured: boolean[] = [];
  const measure = (recompute: boolean) => {
    measured.push(recompute);
    return need(recompute ? recomputed : plain);
  };
  const found = planMemory({ setting, limit: { bytes: 1000, of: "the machine" }, isChecked, measure });
  const { warnings, memory, ...rest } = found;
  return { ...rest, total: memory.total, warnings: warnings.length, measured };
}

test("none and all do what they say, whatever fits", () => {
  expect(plan("all", 500, 400)).toEqual({ total: 400, recompute: true, warnings: 0, measured: [true] });
  expect(plan("none", 500, 400)).toEqual({ total: 500, recompute: false, warnings: 0, measured: [false] });
  const refused = { total: 5000, recompute: false, recomputed: need(400) };
  expect(plan("none", 5000, 400)).toEqual({ ...refused, warnings: 0, measured: [false, true] });
});

test("auto recomputes where a run would be refused otherwise, and says so", () => {
  const chosen = { total: 900, recompute: true, warnings: 1, measured: [false, true] };
  expect(plan("auto", 5000, 900)).toEqual(chosen);
  expect(plan(undefined, 5000, 900)).toEqual(chosen);
  // Tight runs start as they did.
  for (const total of [500, 1100])
    expect(plan(undefined, total, 400)).toEqual({ total, recompute: false, warnings: 0, measured: [false] });
});

test("auto leaves a run alone that recomputation does not make smaller, or that is not checked", () => {
  expect(plan("auto", 5000, 5000)).toMatchObject({ total: 5000, recompute: false, warnings: 0 });
  expect(plan("auto", 5000, 400, false)).toMatchObject({ recompute: false, measured: [false] });
});

test("auto recomputes where memory is not even enough to measure a run without it; none is refused then", () => {
  const measure = (recompute: boolean) => {
    if (recompute) return need(900);
    throw new ScaloraError("config", "The run does not fit into memory");
  };
  const choice = { limit: { bytes: 1000, of: "the machine" }, isChecked: true, measure } as const;
  const { recompute, memory, warnings } = planMemory({ setting: "auto", ...choice });
  expect({ recompute, total: memory.total }).toEqual({ recompute: true, total: 900 });
  expect(warnings).toEqual([expect.stringContaining("train.recompute: auto")]);
  expect(() => planMemory({ setting: "none", ...choice })).toThrow("does not fit");
});

test("what could not be measured is a warning", () => {
  const measure = () => ({ ...need(500), unknown: ["a training batch: another fault"] });
  const { warnings } = planMemory({
    limit: { bytes: 1000, of: "the machine" },
    isChecked: true,
    setting: "auto",
    measure,
  });
  expect(warnings).toEqual([
    "the memory that the run takes is not known for a training batch: another fault",
  ]);
});
