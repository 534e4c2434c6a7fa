import type { OperatorEvent } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";

/** Where the time of an event belongs. */
export interface Owner {
  /** The part of the step. */
  readonly phase: string;
  /** Path of a module; undefined outside of modules. */
  readonly module: string | undefined;
}

export interface AttributedEvent extends OperatorEvent {
  readonly owner: Owner;
  /** Duration and CPU time without those of the operators within it. */
  readonly self: { readonly duration: number; readonly cpu: number };
  /** Whether it is an operator or a node that is not within another one. */
  readonly isOutermost: boolean;
}

/** What autograd's engine calls each node within. */
const engine = "autograd::engine::evaluate_function";

/** Whether an event is an operator or a node, not a label. */
export const isOperator = ({ kind }: OperatorEvent) => kind === "operator" || kind === "node";

/**
 * Finds the phase and the module of each event of a recording. An operator belongs to the innermost label around it; a node of
 * the backward pass belongs to the module in whose forward pass it was made, which its number in autograd's sequence tells.
 * @param events in the order of their beginnings
 */
export function attribute(events: readonly OperatorEvent[]): AttributedEvent[] {
  const owners = ownersOf(events);
  const within = events.map(() => ({ duration: 0, cpu: 0 }));
  for (const event of events.filter(isOperator)) {
    const outer = within[event.parent];
    if (outer === undefined) continue;
    outer.duration += event.duration;
    outer.cpu += event.cpu;
  }
  return events.map((event, i) => {
    const inner = elementAt(within, i);
    const parent = events[event.parent];
    return {
      ...event,
      owner: elementAt(owners, i),
      self: { duration: event.duration - inner.duration, cpu: event.cpu - inner.cpu },
      isOutermost: isOperator(event) && (parent === undefined || !isOperator(parent)),
    };
  });
}

function ownersOf(events: readonly OperatorEvent[]): Owner[] {
  const owners: Owner[] = [];
  /** The module that made a node, by the node's number. */
  const makers = new Map<number, string>();
  for (const event of events) {
    // Only the backward pass runs on other threads, where nothing is labelled.
    const parent = owners[event.parent] ?? { phase: "backward", module: undefined };
    let owner = parent;
    if (event.kind === "phase") owner = { phase: event.name, module: undefined };
    else if (event.kind === "module") {
      owner = { phase: parent.phase, module: event.name };
      for (let node = event.sequence; node < event.sequenceEnd; node++) makers.set(node, event.name);
    } else if (event.kind === "node" && event.sequence >= 0) {
      owner = { phase: parent.phase, module: makers.get(event.sequence) };
      // The sum of a node's gradients is within the same call of the engine.
      if (events[event.parent]?.name.startsWith(engine)) owners[event.parent] = owner;
    }
    owners.push(owner);
  }
  return owners;
}

/** The name of an operator or node as tables show it. */
export function shownName(name: string): string {
  if (name.startsWith(engine)) return "autograd engine";
  const ours = /^torch::autograd::CppNode<.*?(\w+)>$/.exec(name)?.[1];
  return ours === undefined ? name : `${ours}Backward`;
}
