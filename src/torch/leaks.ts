import { internalError } from "../util/errors.ts";

/** The stack at the creation of each live tensor, while tracking is on. */
let creationStacks: Map<number, string> | undefined;

/** Starts or stops recording where tensors are created (slow, for debugging; `SCALORA_DEBUG=leaks` starts it at load). */
export function trackLeaks(on: boolean): void {
  creationStacks = on ? new Map() : undefined;
}

export function recordCreation(handle: number): void {
  creationStacks?.set(handle, internalError("").stack?.split("\n").slice(5, 12).join("\n") ?? "");
}

export function recordDisposal(handle: number): void {
  creationStacks?.delete(handle);
}

/** The creation stacks of live tensors with their counts, largest first. Empty unless tracking is on. */
export function leakReport(): { count: number; stack: string }[] {
  const counts = new Map<string, number>();
  for (const stack of creationStacks?.values() ?? []) counts.set(stack, (counts.get(stack) ?? 0) + 1);
  return [...counts].map(([stack, count]) => ({ count, stack })).sort((a, b) => b.count - a.count);
}

if (process.env["SCALORA_DEBUG"]?.split(",").includes("leaks")) {
  trackLeaks(true);
  process.on("exit", () => {
    for (const { count, stack } of leakReport()) {
      process.stderr.write(`${count} live tensor${count === 1 ? "" : "s"} made at\n${stack}\n`);
    }
  });
}
