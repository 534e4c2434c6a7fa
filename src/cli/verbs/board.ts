import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { clipMiddle } from "../../util/quote.ts";
import { numberParser } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { usageError } from "../usage-error.ts";

interface Options {
  host: string;
  port: number;
}

/** `scalora board`: a page that shows runs while they train. Needs no engine. */
export function addBoard(program: Command, context: Context): void {
  program
    .command("board")
    .description("show runs in the browser as they train: curves, samples, buttons to pause and stop")
    .argument("[folder]", "folder with runs in it, or one run's folder", "runs")
    .option(
      "--port <number>",
      "port to listen on; 0 takes a free one",
      numberParser({ least: 0, most: 65535, whole: true }),
      6116,
    )
    .option(
      "--host <address>",
      "address to listen on; one that others can reach asks for the token in the printed link",
      "127.0.0.1",
    )
    .action(async (folder: string, { host, port }: Options) => {
      // The default folder of runs need not exist yet.
      if (folder !== "runs" && !existsSync(folder))
        throw usageError(
          `There is no folder ${clipMiddle(folder)}`,
          "a folder with runs in it, or one run's folder",
        );
      const { startBoard } = await import("../../board/board-server.ts");
      await context.interruptible(async (signal) => {
        const board = await startBoard({ folder: resolve(folder), host, port });
        context.result(board.links.join("\n"));
        context.note("Ctrl-C ends the board; runs go on without it.");
        await aborted(signal);
        await board.close();
      }, "closing the board");
      // A signal is how a board ends.
      context.exitCode = 0;
    });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener("abort", () => done(), { once: true });
  });
}
