import { expect, test } from "vitest";
import { profileText } from "./profile-text.ts";
import { madeStep } from "./testing/recorded.ts";
import { figuresOf } from "./totals.ts";

const profile = { type: "profile" as const, step: 4, steps: [3, 4], warmUp: 2, ...figuresOf([madeStep()]) };

test("the text has a table of the time, the parts, the operators and the modules of all layers together", () => {
  expect(profileText(profile, { isWhole: false })).toMatchInlineSnapshot(`
    "profile of steps 3 to 4, after 2 to warm up: milliseconds a step

    step                               ms      %
    duration                     10000.00  100.0
    an operator runs              6500.00   65.0
      its thread on no CPU        1000.00   10.0
    waiting: no operator runs     3500.00   35.0
      JavaScript and the engine   2500.00   25.0
      main thread on no CPU       1000.00   10.0
    CPU time of all threads      12000.00  120.0

    part           ms     %
    forward   5000.00  50.0
    backward  5000.00  50.0

    operator              calls   CPU ms       ms     %
    aten::mm                  2  2500.00  3000.00  30.0
    autograd engine           2  1000.00  1000.00  10.0
    scalora::lora_linear      1   500.00  1000.00  10.0
    aten::sum                 1   500.00   500.00   5.0
    SumBackward0              1   500.00   500.00   5.0
    aten::add_                1   500.00   500.00   5.0
    LoraLinearBackward        1     0.00     0.00   0.0

    module                          count  forward  backward   CPU ms       ms     %
    model.layers.*                      1     0.00      0.00     0.00     0.00   0.0
    model.layers.*.mlp                  1  2000.00   3000.00  4000.00  5000.00  50.0
    (forward, outside of modules)                              500.00   500.00   5.0
    (backward, outside of modules)                            1000.00  1000.00  10.0"
  `);
});

test("the whole text adds each module; the short one says how many operators it leaves out", () => {
  const whole = profileText(profile, { isWhole: true });
  expect(whole).toContain(profileText(profile, { isWhole: false }));
  expect(whole).toMatch(/\nmodel\.layers\.0\.mlp +2000\.00 +3000\.00 +4000\.00 +5000\.00 +50\.0$/);
  const many = Array.from({ length: 20 }, (_, i) => ({ name: `op${i}`, calls: 1.25, seconds: 1, cpu: 1 }));
  expect(profileText({ ...profile, byOperator: many }, { isWhole: false })).toContain("\n… and 5 more\n");
});

test("the heading says which steps, and when they are not warm", () => {
  const heading = (steps: number[], warmUp: number, more = {}) =>
    profileText({ ...profile, steps, warmUp, ...more }, { isWhole: false }).split("\n")[0];
  expect(heading([3, 4, 5], 2)).toContain("steps 3 to 5, after 2 to warm up");
  expect(heading([3], 2, { microBatches: 16 })).toContain("step 3 up to micro-batch 16, after 2");
  expect(heading([2], 1)).toContain("step 2, after 1 to warm up");
  expect(heading([1], 0)).toContain("step 1, the first of this process");
});
