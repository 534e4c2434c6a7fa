import type { Command } from "commander";
import type { Context } from "../terminal/context.ts";

/** `scalora setup`: checks the prebuilt package, or finds or downloads libtorch and compiles the addon, as commands do that need them. */
export function addSetup(program: Command, context: Context): void {
  program
    .command("setup")
    .description(
      "find or download libtorch and compile the addon (commands that need them do this automatically)",
    )
    .action(async () => {
      await context.prepareEngine({ verify: true });
      context.note("libtorch and the addon are ready");
    });
}
