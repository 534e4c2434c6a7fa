import type { Command } from "commander";
import { type Finding, inspect } from "../../setup/doctor.ts";
import type { Context } from "../context.ts";
import { jsonOption } from "../options.ts";

/** `scalora doctor`: what is there, what is missing, and the cure. Changes nothing; exit code 1 when something is missing. */
export function addDoctor(program: Command, context: Context, runInspection: typeof inspect = inspect): void {
  program
    .command("doctor")
    .description("say what is there, what is missing, and what to do about it")
    .addOption(jsonOption())
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await runInspection(context.env);
      const missing = findings.filter(({ status }) => status === "missing");
      if (json) context.json({ ready: missing.length === 0, findings });
      else {
        for (const finding of findings) context.result(findingText(finding, context));
        context.result(missing.length === 0 ? "Everything is ready." : `${missing.length} missing.`);
      }
      context.exitCode = missing.length === 0 ? 0 : 1;
    });
}

function findingText({ name, status, found, cure }: Finding, { paintOut }: Context): string {
  const marks = {
    ok: paintOut("green", "ok     "),
    missing: paintOut("red", "missing"),
    info: paintOut("dim", "note   "),
  };
  const line = `${marks[status]}  ${paintOut("bold", name)}: ${found}`;
  return cure === undefined ? line : `${line}\n         do: ${cure}`;
}
