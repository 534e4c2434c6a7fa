// A task of the command line in which one operator keeps JavaScript's thread busy for some seconds.
import { matmul, ones, scope, setThreads } from "../../torch/index.ts";
import { Context } from "../terminal/context.ts";

const context = new Context({
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  prepareEngine: async () => {},
});
await context.startEngine();
setThreads(1);
using matrix = ones([6000, 6000], { device: "cpu" });
await context.interruptible(async (signal) => {
  process.stdout.write("busy\n");
  scope(() => void matmul(matrix, matrix));
  await new Promise((resolve) => setImmediate(resolve));
  process.stdout.write(signal.aborted ? "stopped\n" : "done\n");
});
process.exitCode = context.exitCode;
