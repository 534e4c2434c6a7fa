import type { Command } from "commander";
import { type Finding, inspect } from "../../setup/doctor.ts";
import type { GemmVerdict } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Context } from "../context.ts";
import { jsonOption } from "../shared-options.ts";

/** `scalora doctor`: checks the installation and suggests fixes. Changes nothing; exit code 1 when something is missing. */
export function addDoctor(program: Command, context: Context, runInspection: typeof inspect = inspect): void {
  program
    .command("doctor")
    .description("check the installation: what is ready, what is missing, and how to fix it")
    .addOption(jsonOption())
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await runInspection(context.env);
      const isLoadable = findings.some(({ name, status }) => name === "addon" && status === "ok");
      if (isLoadable) findings.push(await inspectGemmBackend(context.env));
      const missing = findings.filter(({ status }) => status === "missing");
      if (json) context.json({ ready: missing.length === 0, findings });
      else {
        for (const finding of findings) context.result(findingText(finding, context));
        context.result(missing.length === 0 ? "Everything is ready." : `${missing.length} missing.`);
      }
      context.exitCode = missing.length === 0 ? 0 : 1;
    });
}

/** Which backend of matrix products runs use, why, and how to choose another; measures nothing. */
async function inspectGemmBackend(env: NodeJS.ProcessEnv): Promise<Finding> {
  const name = "GEMM backend";
  const { lookUpGemmBackend, threads } = await import("../../torch/index.ts");
  try {
    const { file, choice } = lookUpGemmBackend(env);
    if (choice?.by === "environment")
      return { name, status: "ok", found: `${choice.chosen}, set by SCALORA_GEMM_BACKEND` };
    const count = threads() === 1 ? "1 thread" : `${threads()} threads`;
    const how = "model.gemmBackend in a recipe, or else SCALORA_GEMM_BACKEND, sets it to aten or onednn";
    if (choice?.verdict === undefined) {
      const found = `not measured yet with ${count}: a run does when the machine is not too busy, and keeps it in ${file}; ${how}`;
      return { name, status: "info", found };
    }
    const found = `${choice.chosen} with ${count} (${verdictText(choice.verdict)}); kept in ${file}, measured again without that file; ${how}`;
    return { name, status: "ok", found };
  } catch (error) {
    if (!(error instanceof ScaloraError)) throw error;
    const { where, found, fix } = error;
    return { name, status: "missing", found: `${where}: ${found}`, ...(fix !== undefined && { cure: fix }) };
  }
}

function verdictText({ timing, errors: { aten, onednn } }: GemmVerdict): string {
  if (timing === undefined)
    return `errors against float64: aten ${aten.toExponential(1)}, onednn ${onednn.toExponential(1)}`;
  const { rates, speedup } = timing;
  const [median, low, high] = [speedup.median, speedup.low, speedup.high].map((times) => times.toFixed(2));
  return `aten ${rates.aten.toFixed(0)} GFLOP/s, onednn ${rates.onednn.toFixed(0)}: ${median} times as fast, ${low} to ${high}`;
}

function findingText({ name, status, found, cure }: Finding, { paintOut }: Context): string {
  const marks = {
    ok: paintOut("green", "ok     "),
    missing: paintOut("red", "missing"),
    info: paintOut("dim", "note   "),
  };
  const line = `${marks[status]}  ${paintOut("bold", name)}: ${found}`;
  return cure === undefined ? line : `${line}\n         fix: ${cure}`;
}
