import type { Command } from "commander";
import { type Finding, inspect } from "../../setup/doctor.ts";
import type { GemmVerdict } from "../../torch/index.ts";
import { chooseThreads, type ThreadSettings } from "../../util/choose-threads.ts";
import { ScaloraError } from "../../util/errors.ts";
import { fittingThreads, tooManyThreads } from "../../util/usable-cores.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";

/** `scalora doctor`: checks the installation and suggests fixes. Changes nothing; exit code 1 when something is missing. */
export function addDoctor(program: Command, context: Context, runInspection: typeof inspect = inspect): void {
  program
    .command("doctor")
    .description("check the installation: what is ready, what is missing, and how to fix it")
    .addOption(jsonOption())
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await runInspection(context.env);
      const isLoadable = findings.some(({ name, status }) => name === "addon" && status === "ok");
      // Before libtorch is loaded, as every command does.
      const settings = chooseThreads(context.env);
      if (isLoadable) {
        const { threads } = await import("../../torch/index.ts");
        findings.push(inspectThreads(threads(), settings), await inspectGemmBackend(context.env));
      }
      const missing = findings.filter(({ status }) => status === "missing");
      if (json) context.json({ ready: missing.length === 0, findings });
      else {
        for (const finding of findings) context.result(findingText(finding, context));
        context.result(missing.length === 0 ? "Everything is ready." : `${missing.length} missing.`);
      }
      context.exitCode = missing.length === 0 ? 0 : 1;
    });
}

/** How many threads compute, how they wait, and why. */
export function inspectThreads(
  count: number,
  { countBy, asked = count, waitBy, usable }: ThreadSettings,
): Finding {
  const { processors, cores, quota } = usable;
  const limit = quota === undefined ? "" : `, and the container may use ${quota} of them`;
  const place = `${processors} processors on ${cores} cores${limit}`;
  const reason =
    countBy === undefined
      ? "one for each core that may be kept busy"
      : asked > count
        ? `all that libtorch takes of the ${asked} in ${countBy}`
        : `set by ${countBy}`;
  const waiting =
    waitBy === undefined
      ? "they sleep while they wait for each other, so that other work on the machine costs less (OMP_WAIT_POLICY=active: they spin)"
      : `how they wait is set by ${waitBy}`;
  const found = `${count}, ${reason} (${place}); ${waiting}`;
  const fitting = fittingThreads(usable);
  if (count <= fitting) return { name: "threads", status: "ok", found };
  return { name: "threads", status: "info", found: `${found}; ${tooManyThreads(count, fitting)}` };
}

/** Which backend of matrix products runs use, why, and how to choose another; measures nothing. */
async function inspectGemmBackend(env: NodeJS.ProcessEnv): Promise<Finding> {
  const name = "GEMM backend";
  const { lookUpGemmBackend, threads } = await import("../../torch/index.ts");
  try {
    const { file, choice } = lookUpGemmBackend(env);
    if (choice?.by === "absence")
      return { name, status: "ok", found: `${choice.chosen}, the only one of libtorch for this system` };
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
