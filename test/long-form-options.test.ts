import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.restoreAllMocks());

/** How the program of a long form ends with these arguments, and what it prints. */
async function longForm(load: () => Promise<unknown>, ...args: string[]) {
  const printed = { stdout: "", stderr: "" };
  vi.spyOn(console, "log").mockImplementation((text) => {
    printed.stdout += `${text}\n`;
  });
  vi.spyOn(console, "error").mockImplementation((text) => {
    printed.stderr += `${text}\n`;
  });
  vi.spyOn(process, "exit").mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  vi.spyOn(process, "argv", "get").mockReturnValue(["node", "main.ts", ...args]);
  const end = await load().catch(({ message }: Error) => message);
  return { end, ...printed };
}

test.each([
  {
    load: () => import("./faults/main.ts"),
    command: "test:faults",
    wrong: ["--kill", "3"],
    says: "Unknown option '--kill'",
  },
  {
    load: () => import("./faults/soak-main.ts"),
    command: "test:soak",
    wrong: ["--steps", "ten"],
    says: '--steps: expected an integer, at least 1, found "ten"',
  },
  {
    load: () => import("./fuzz/fuzz-main.ts"),
    command: "test:fuzz",
    wrong: ["--target", "ggfu"],
    says: '--target: there is no "ggfu"; did you mean gguf?',
  },
])("$command tells its options with --help, and with a wrong one ends with 2", async (form) => {
  const help = await longForm(form.load, "--help");
  expect(help).toMatchObject({ end: "exit 0", stderr: "" });
  expect(help.stdout).toContain(`npm run ${form.command} --`);
  vi.resetModules();
  const failed = await longForm(form.load, ...form.wrong);
  expect(failed).toMatchObject({ end: "exit 2", stdout: "" });
  expect(failed.stderr).toContain(`error: ${form.says}`);
  expect(failed.stderr.endsWith(`\n\n${help.stdout}`)).toBe(true);
});
