import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readSetup } from "../setup/manifest.ts";
import { runCommand, runsTypeScript } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { required } from "../util/elements.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("a process that has loaded the addon of another scalora is told so, and lives", async () => {
  const other = join(scratch.path, "scalora.node");
  copyFileSync(required(readSetup(), "the addon").addon, other);
  const program = `
process.dlopen({ exports: {} }, process.argv[1]);
const { torch } = await import(process.argv[2]);
try {
  torch.zeros([1], { device: "cpu" });
} catch (error) {
  console.log(error.code, error.found === process.argv[1], error.fix);
}`;
  const args = ["--input-type=module", "-e", program, other, new URL("../index.ts", import.meta.url).href];
  const { code, stdout, stderr } = await runCommand([process.execPath, ...runsTypeScript, ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^setup true .*npm ls scalora/);
});
