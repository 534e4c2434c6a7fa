// Runs the command lines of scalora that COMMAND_LINES has (JSON), one after another, and prints what each came to; without it,
// the one of its arguments, as a comparison starts its runs. A board is closed once it listens.
import { z } from "zod";
import { main } from "../src/cli/main.ts";
import { CapturedStream } from "../src/cli/testing/terminal.ts";

/** Of the board: a signal is how it ends. */
class ClosingStream extends CapturedStream {
  override write(text: string): void {
    super.write(text);
    if (text.startsWith("http://")) setTimeout(() => process.emit("SIGINT"), 0);
  }
}

const list = process.env["COMMAND_LINES"];
delete process.env["COMMAND_LINES"];
const prepareEngine = async () => {};
// The doctor looks for programs.
const env = { PATH: process.env["PATH"] };
if (list === undefined) process.exitCode = await main(process.argv.slice(2), { prepareEngine });
else {
  const results = [];
  for (const command of z.array(z.array(z.string())).parse(JSON.parse(list))) {
    const [stdout, stderr] = [new ClosingStream(), new CapturedStream()];
    const code = await main(command, { stdout, stderr, env, prepareEngine });
    results.push({ command: command[0], code, stderr: code === 0 ? "" : stderr.text });
  }
  console.log(JSON.stringify(results));
}
