import { expect, test } from "vitest";
import { type AttributedEvent, shownName } from "./attribute.ts";
import { madeStep } from "./testing/recorded.ts";
import { figuresOf } from "./totals.ts";

test("an operator belongs to the innermost label; in the backward pass, to the module that made its node", () => {
  const owners = madeStep().events.map(({ name, owner }) => [shownName(name), owner.phase, owner.module]);
  expect(owners.slice(3)).toEqual([
    ["scalora::lora_linear", "forward", "model.layers.0.mlp"],
    ["aten::mm", "forward", "model.layers.0.mlp"],
    ["aten::sum", "forward", undefined],
    ["backward", "backward", undefined],
    ["autograd engine", "backward", undefined],
    ["SumBackward0", "backward", undefined],
    ["autograd engine", "backward", "model.layers.0.mlp"],
    ["LoraLinearBackward", "backward", "model.layers.0.mlp"],
    ["aten::mm", "backward", "model.layers.0.mlp"],
    ["aten::add_", "backward", "model.layers.0.mlp"],
  ]);
});

test("times of operators are without those that they call, and all of them are the time in which one ran", () => {
  const figures = figuresOf([madeStep()]);
  expect(figures.byOperator).toEqual([
    { name: "aten::mm", calls: 2, seconds: 3, cpu: 2.5 },
    { name: "autograd engine", calls: 2, seconds: 1, cpu: 1 },
    { name: "scalora::lora_linear", calls: 1, seconds: 1, cpu: 0.5 },
    { name: "aten::sum", calls: 1, seconds: 0.5, cpu: 0.5 },
    { name: "SumBackward0", calls: 1, seconds: 0.5, cpu: 0.5 },
    { name: "aten::add_", calls: 1, seconds: 0.5, cpu: 0.5 },
    { name: "LoraLinearBackward", calls: 1, seconds: 0, cpu: 0 },
  ]);
  const none = { seconds: 0, cpu: 0 };
  expect(figures.byModule).toEqual([
    { path: "model.layers.0", forward: none, backward: none },
    { path: "model.layers.0.mlp", forward: { seconds: 2, cpu: 1 }, backward: { seconds: 3, cpu: 3 } },
  ]);
  expect(figures.phases).toEqual([
    { name: "forward", seconds: 5, outside: { seconds: 0.5, cpu: 0.5 } },
    { name: "backward", seconds: 5, outside: { seconds: 1, cpu: 1 } },
  ]);
  const sum = (times: readonly { seconds: number }[]) =>
    times.reduce((total, { seconds }) => total + seconds, 0);
  expect(sum(figures.byOperator)).toBe(figures.operators);
  const inModules = figures.byModule.flatMap(({ forward, backward }) => [forward, backward]);
  expect(sum([...inModules, ...figures.phases.map(({ outside }) => outside)])).toBe(figures.operators);
});

test("a step is operators, JavaScript while the main thread is on a CPU, and the rest", () => {
  // The main thread's 4 CPU seconds are 1.5 in operators and 2.5 outside; the other thread's are not its own.
  expect(figuresOf([madeStep()])).toMatchObject({
    seconds: 10,
    operators: 6.5,
    stalled: 1,
    javascript: 2.5,
    idle: 1,
    cpu: 12,
  });
});

test("operators at the same time on two threads count once; clocks that disagree give no negative time", () => {
  const step = madeStep();
  const early = (event: AttributedEvent) => ({ ...event, begin: event.begin - (event.thread === 2 ? 3 : 0) });
  const events = step.events.map(early).toSorted((a, b) => a.begin - b.begin);
  expect(figuresOf([{ ...step, events }]).operators).toBe(5);
  expect(figuresOf([{ ...step, cpu: 40 }])).toMatchObject({ javascript: 3.5, idle: 0 });
  expect(figuresOf([{ ...step, cpu: 0 }])).toMatchObject({ javascript: 0, idle: 3.5 });
});

test("figures are means over the steps", () => {
  const other = { ...madeStep(4), duration: 20, events: madeStep().events.slice(0, 4) };
  const { seconds, byOperator } = figuresOf([madeStep(), other]);
  expect(seconds).toBe(15);
  expect(byOperator.slice(0, 2)).toMatchObject([
    { name: "aten::mm", calls: 1, seconds: 1.5 },
    { name: "scalora::lora_linear", calls: 1, seconds: 1 },
  ]);
});
