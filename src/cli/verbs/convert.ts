import { resolve } from "node:path";
import type { Command } from "commander";
import type { RunConvert } from "../../export/export-request.ts";
import { formatBytes } from "../../util/format.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";

/** `scalora convert`: writes the model of a GGUF file as a Hugging Face folder. */
export function addConvert(
  program: Command,
  context: Context,
  load: () => Promise<{ runConvert: RunConvert }>,
): void {
  program
    .command("convert")
    .description("write the model of a GGUF file as a Hugging Face folder")
    .argument("<in>", "GGUF file")
    .argument("<out>", "output folder")
    .addOption(jsonOption())
    .action(async (path: string, out: string, { json }: { json?: boolean }) => {
      await context.startEngine();
      const { runConvert } = await load();
      const result = await runConvert({ path, out: resolve(out) });
      if (json) return context.json(result);
      const rows = [
        ["written", result.out],
        ["model", `${result.family}, ${result.dtype}`],
        ["size", formatBytes(result.bytes)],
      ];
      context.result(table([{ title: "convert" }, { title: "" }], rows, context.tableStyle));
    });
}
