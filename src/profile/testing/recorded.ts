import type { OperatorEvent } from "../../torch/index.ts";
import { attribute } from "../attribute.ts";
import type { RecordedStep } from "../totals.ts";

/** An event of a recording that a test makes up; CPU time is all of the duration by default, the thread is 1. */
function made(
  kind: OperatorEvent["kind"],
  name: string,
  parent: number,
  [begin, end]: readonly [begin: number, end: number],
  more: Partial<OperatorEvent> = {},
): OperatorEvent {
  const duration = end - begin;
  return {
    kind,
    name,
    parent,
    begin,
    duration,
    cpu: duration,
    thread: 1,
    sequence: -1,
    sequenceEnd: -1,
    ...more,
  };
}

/** A step of ten seconds, nine of them with the main thread on a CPU: one layer forward, and backward on another thread. */
export function madeStep(step = 3): RecordedStep {
  const node = "autograd::engine::evaluate_function: ";
  const lora = "torch::autograd::CppNode<scalora::(anonymous namespace)::LoraLinear>";
  const events = [
    made("phase", "forward", -1, [0, 5], { sequence: 7, sequenceEnd: 9 }),
    made("module", "model.layers.0", 0, [1, 4], { sequence: 7, sequenceEnd: 8 }),
    made("module", "model.layers.0.mlp", 1, [1, 3], { sequence: 7, sequenceEnd: 8 }),
    made("operator", "scalora::lora_linear", 2, [1, 3], { sequence: 7, cpu: 1 }),
    made("operator", "aten::mm", 3, [2, 3], { cpu: 0.5 }),
    made("operator", "aten::sum", 0, [4, 4.5], { sequence: 8 }),
    made("phase", "backward", -1, [5, 10]),
    made("operator", `${node}SumBackward0`, -1, [5, 6], { thread: 2 }),
    made("node", "SumBackward0", 7, [5, 5.5], { thread: 2, sequence: 8 }),
    made("operator", `${node}${lora}`, -1, [6, 9], { thread: 2 }),
    made("node", lora, 9, [6, 8], { thread: 2, sequence: 7 }),
    made("operator", "aten::mm", 10, [6, 8], { thread: 2 }),
    made("operator", "aten::add_", 9, [8, 8.5], { thread: 2 }),
  ];
  return { step, events: attribute(events), begin: 100 + 20 * step, duration: 10, cpu: 4, processCpu: 12 };
}
