import type { Command } from "commander";
import { type Finding, inspect } from "../../setup/doctor.ts";
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
  return cure === undefined ? line : `${line}\n         fix: ${cure}`;
}
