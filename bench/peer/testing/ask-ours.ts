// Our side on a tiny Llama.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { attach } from "../../../src/adapters/index.ts";
import { loadModel } from "../../../src/models/index.ts";
import { runsTypeScript } from "../../../src/testing/child-process.ts";
import { writeTinyLlama } from "../../../src/testing/tiny-llama.ts";
import { elementAt } from "../../../src/util/elements.ts";
import type { Checked } from "../compare.ts";
import { type SideAnswer, sideAnswer } from "../side-files.ts";

/** An answer, and the folder of its gradients if it was a check. */
type Answer = SideAnswer & { readonly gradients: string };

/** Writes a model, an adapter and two batches. @returns the job's file */
export async function writeTinyJob(folder: string): Promise<string> {
  const [model, adapter] = [join(folder, "model"), join(folder, "adapter")];
  writeTinyLlama(model);
  using loaded = await loadModel(model);
  attach(loaded, { method: "lora", rank: 2, targetModules: "all-linear" }).saveAdapter(adapter, model);
  const [batches, job] = [join(folder, "batches.json"), join(folder, "job.json")];
  const rows = [
    { ids: [1, 2, 3, 4, 5], prompt: 2 },
    { ids: [6, 7, 8], prompt: 1 },
  ];
  writeFileSync(batches, JSON.stringify([rows, rows]));
  writeFileSync(job, JSON.stringify({ model, adapter, batches, task: "chat", dtype: "float32" }));
  return job;
}

/** Asks our side, or our side without a technique. @param folder for gradients */
export async function askOurs(
  commands: readonly ("check" | "warm" | "time")[],
  job: string,
  folder: string,
  technique?: string,
): Promise<Answer[]> {
  const program = technique === undefined ? "../ours.ts" : "../../techniques/ours-without.ts";
  const path = fileURLToPath(new URL(program, import.meta.url));
  const args = [...runsTypeScript, path, job, ...(technique === undefined ? [] : [technique])];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const gradients = commands.map((_, i) => join(folder, `gradients-${technique}-${i}`));
  child.stdin.end(commands.map((command, i) => `${command} ${gradients[i]}\n`).join(""));
  const answers: Answer[] = [];
  for await (const line of createInterface({ input: child.stdout }))
    answers.push({ ...sideAnswer.parse(JSON.parse(line)), gradients: elementAt(gradients, answers.length) });
  return answers;
}

/** What a check found. */
export function checkedOf(answer: Answer | undefined): Checked {
  if (answer === undefined) throw new Error("the side ended without an answer");
  return { loss: elementAt(answer.losses, 0), gradients: answer.gradients };
}
