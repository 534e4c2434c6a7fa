import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import {
  add,
  beginLabel,
  endLabel,
  endRecording,
  matmul,
  mul,
  type OperatorEvent,
  ones,
  scope,
  startRecording,
  sum,
} from "./index.ts";

/** What `body` does, recorded. */
function record(body: () => void) {
  startRecording();
  try {
    scope(body);
  } finally {
    recording = endRecording();
  }
  return recording;
}
let recording: ReturnType<typeof endRecording>;

const named = (events: Iterable<OperatorEvent>, name: string) =>
  [...events].filter((event) => event.name === name);

test("operators lie within their labels and the operators that call them, with times that fit", () => {
  const { events, duration, cpu, eventCount } = record(() => {
    beginLabel("phase", "forward");
    beginLabel("module", "model.layers.0");
    const x = ones([64, 64], { dtype: "float32", device: "cpu" });
    matmul(x, x);
    endLabel();
    add(x, x);
    endLabel();
  });
  const list = [...events];
  expect(list).toHaveLength(eventCount);
  const parentOf = ({ parent }: OperatorEvent) => list[parent]?.name;
  expect(list.slice(0, 2).map(({ kind, name, parent }) => [kind, name, parent])).toEqual([
    ["phase", "forward", -1],
    ["module", "model.layers.0", 0],
  ]);
  expect(named(events, "aten::matmul").map(parentOf)).toEqual(["model.layers.0"]);
  expect(named(events, "aten::mm").map(parentOf)).toEqual(["aten::matmul"]);
  expect(named(events, "aten::add").map(parentOf)).toEqual(["forward"]);
  expect(new Set(list.map(({ thread }) => thread)).size).toBe(1);
  for (const event of list) {
    const outer = list[event.parent] ?? { begin: 0, duration };
    expect(event.begin).toBeGreaterThanOrEqual(outer.begin);
    expect(event.begin + event.duration).toBeLessThanOrEqual(outer.begin + outer.duration);
    expect(event.cpu).toBeGreaterThanOrEqual(0);
    expect(event.cpu).toBeLessThanOrEqual(cpu);
  }
});

test("a node of the backward pass has a number of the label under which it was made", () => {
  const { events } = record(() => {
    const x = ones([3], { dtype: "float32", device: "cpu" }).setRequiresGrad(true);
    beginLabel("module", "first");
    const y = mul(x, x);
    endLabel();
    beginLabel("module", "second");
    const loss = sum(y);
    endLabel();
    loss.backward();
  });
  const rangeOf = (name: string) =>
    named(events, name).map((label) => [label.sequence, label.sequenceEnd])[0];
  const nodes = [...events].filter(({ kind }) => kind === "node");
  const numberOf = (name: string) =>
    nodes.filter((node) => node.name.startsWith(name))[0]?.sequence ?? Number.NaN;
  expect(rangeOf("first")).toEqual([numberOf("MulBackward"), numberOf("MulBackward") + 1]);
  expect(rangeOf("second")).toEqual([numberOf("SumBackward"), numberOf("SumBackward") + 1]);
  expect(nodes.filter(({ sequence }) => sequence < 0).map(({ name }) => name)).toEqual([
    "torch::autograd::AccumulateGrad",
  ]);
});

test("one recording at a time; an ended one records nothing, and its open labels end with it", () => {
  expect(() => endRecording()).toThrow(refusal("internal"));
  expect(() => beginLabel("module", "none")).toThrow(refusal("internal"));
  startRecording();
  expect(startRecording).toThrow(refusal("internal"));
  beginLabel("phase", "open");
  const first = endRecording();
  expect(named(first.events, "open").map(({ duration }) => duration > 0)).toEqual([true]);
  expect(endLabel).toThrow(refusal("internal"));
  scope(() => ones([2], { dtype: "float32", device: "cpu" }));
  const second = record(() => {});
  expect(second.eventCount).toBe(0);
  expect(second.begin).toBeGreaterThanOrEqual(first.begin + first.duration);
});

test("an operator that fails ends like any other", () => {
  const { events } = record(() => {
    const x = ones([2, 3], { dtype: "float32", device: "cpu" });
    expect(() => matmul(x, x)).toThrow();
    add(x, x);
  });
  expect(named(events, "aten::add").map(({ parent }) => parent)).toEqual([-1]);
});
