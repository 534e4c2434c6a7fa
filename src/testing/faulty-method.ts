// A method for tests of several ranks: gains as in examples/input-gain, whose steps take 30 ms or more, and in which one rank has
// the fault that FAULT_PLAN describes.
import { writeFileSync } from "node:fs";
import { type Method, torch, z } from "scalora";
import { inputGain } from "../../examples/input-gain/input-gain.ts";

/** What happens on one rank before a step. */
export interface Plan {
  readonly what: "kill" | "suspend" | "raise" | "memory" | "nan" | "sleep";
  readonly rank: number;
  readonly step: number;
  /** For `sleep`: how long its thread does nothing else. */
  readonly seconds?: number;
  /** Written when it happens. */
  readonly mark?: string;
}

const plan: Plan | undefined = JSON.parse(process.env["FAULT_PLAN"] ?? "null") ?? undefined;
const schema = inputGain.schema.extend({ method: z.literal("faulty") });

const block = (seconds: number) =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);

function happen({ what, seconds = 0, mark }: Plan, gradients: readonly torch.Tensor[]): void {
  if (mark !== undefined) writeFileSync(mark, "");
  if (what === "kill") process.kill(process.pid, "SIGKILL");
  if (what === "suspend") process.kill(process.pid, "SIGSTOP");
  if (what === "raise") throw new Error("this rank has had enough");
  if (what === "memory") torch.zeros([2 ** 50], { device: "cpu" });
  if (what === "sleep") block(seconds);
  if (what === "nan") for (const gradient of gradients) torch.noGrad(() => torch.fill_(gradient, Number.NaN));
}

export const faulty: Method<typeof schema> = {
  name: "faulty",
  summary: "input-gain with a fault",
  presetLr: inputGain.presetLr,
  schema,
  attach(model, options, ...rest) {
    const set = inputGain.attach(model, { ...options, method: "input-gain" }, ...rest);
    const beforeForward = ({ step }: { step: number }) => {
      block(0.03);
      const gradients = set.trainables().map(({ grad }) => grad);
      if (plan && plan.step === step && `${plan.rank}` === process.env["RANK"]) happen(plan, gradients);
    };
    return Object.assign(set, { method: "faulty", beforeForward });
  },
};
