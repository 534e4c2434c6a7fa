import { expect, test } from "vitest";
import { runCommand, runsTypeScript } from "../testing/child-process.ts";

test("a report of a program in a clone warns of nothing", async () => {
  const files = JSON.stringify(new URL("browser-files.ts", import.meta.url).href);
  const program = `import { reportScript } from ${files}; console.log(reportScript().length > 1000)`;
  const node = [process.execPath, ...runsTypeScript, "--input-type=module", "--eval", program];
  expect(await runCommand(node)).toEqual({ code: 0, signal: null, stdout: "true\n", stderr: "" });
});
