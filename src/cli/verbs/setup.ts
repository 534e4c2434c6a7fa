import type { Command } from "commander";
import type { Context } from "../context.ts";

/** `scalora setup`: finds or downloads libtorch and compiles the addon; every verb that needs them does it too. */
export function addSetup(program: Command, context: Context): void {
  program
    .command("setup")
    .description("find or download libtorch and compile the addon (verbs that need them do it by themselves)")
    .action(async () => {
      await context.prepareEngine();
      context.note("libtorch and the addon are ready");
    });
}
