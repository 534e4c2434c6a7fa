import type { Command } from "commander";
import type { Context } from "../terminal/context.ts";

/** `scalora setup`: finds or downloads libtorch and compiles the addon; commands that need them do this automatically. */
export function addSetup(program: Command, context: Context): void {
  program
    .command("setup")
    .description(
      "find or download libtorch and compile the addon (commands that need them do this automatically)",
    )
    .action(async () => {
      await context.prepareEngine();
      context.note("libtorch and the addon are ready");
    });
}
