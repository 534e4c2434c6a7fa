import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { runScalora } from "../testing/scalora.ts";

const scratch = temporaryFolder();
const script = (shell: string) => join(scratch.path, `scalora.${shell}`);
beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"])
    writeFileSync(script(shell), (await runScalora("completion", shell)).stdout);
  for (const folder of ["runs/first", "runs/second run", "runs/empty", "data"])
    mkdirSync(join(scratch.path, "work", folder), { recursive: true });
  for (const file of ["recipe.yaml", "other.yml", "notes.md", "data/small.yaml", "model.gguf", "train"])
    writeFileSync(join(scratch.path, "work", file), "");
  for (const run of ["first", "second run"])
    writeFileSync(join(scratch.path, "work", "runs", run, "config.yaml"), "");
});
afterAll(scratch.remove);

const outputOf = (program: string, ...args: string[]) =>
  execFileSync(program, args, { cwd: join(scratch.path, "work"), encoding: "utf8" });

/** What bash completes for a command line, whose last word is being typed. */
function completions(...words: string[]): string[] {
  const program = `source "$1"; shift; COMP_WORDS=(scalora "$@"); COMP_CWORD=$#; _scalora; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = outputOf("bash", "--norc", "-c", program, "bash", script("bash"), ...words);
  return output
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

test.each([
  { words: ["tr"], gives: ["train"] },
  { words: ["ls", "m"], gives: ["methods", "models"] },
  { words: ["completion", ""], gives: ["bash", "fish", "zsh"] },
  { words: ["train", "--re"], gives: ["--resume"] },
  { words: ["ls", "runs", "--"], gives: ["--help", "--json", "--verbose"] },
  { words: ["train", "--resume", "ru"], gives: ["runs/first", "runs/second run"] },
  { words: ["train", "--resume", ""], gives: ["runs/first", "runs/second run"] },
  { words: ["diff", "runs/first", "runs/s"], gives: ["runs/second run"] },
  { words: ["train", "r"], gives: ["recipe.yaml", "runs"] },
  { words: ["data", "--rows", "3", "data/"], gives: ["data/small.yaml"] },
  { words: ["export", "runs/first", "--as", "m"], gives: ["merged"] },
  { words: ["export", "--as", "=", "s"], gives: ["svd"] },
  { words: ["generate", "m"], gives: ["model.gguf"] },
  { words: ["train", "--set", "train.l"], gives: ["train.lr="] },
  { words: ["compare", "--set", "run.re"], gives: ["run.reportTo="] },
  { words: ["train", "--set", "adapter.scale"], gives: ["adapter.scale="] },
  { words: ["train", "--set", "nothing"], gives: [] },
])("bash completes $words", ({ words, gives }) => {
  expect(completions(...words)).toEqual(gives);
});

test("bash completes every command", async () => {
  const { stdout } = await runScalora("--help");
  const listed = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
  expect(completions("")).toEqual(listed.filter((name) => name !== "help").sort());
});

const has = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

test.skipIf(!has("zsh"))("zsh takes its script (zsh)", () => {
  expect(spawnSync("zsh", ["-n", script("zsh")], { encoding: "utf8" })).toMatchObject({
    status: 0,
    stderr: "",
  });
});

test.skipIf(!has("fish"))("fish completes commands, options and runs (fish)", () => {
  const lines = [
    "scalora tr",
    "scalora train --resume ",
    "scalora export --as m",
    "scalora data --set model.q",
  ];
  const commands = lines.map((line) => `complete -C "${line}"`).join("; ");
  const output = outputOf("fish", "-N", "-c", `source ${script("fish")}; ${commands}`);
  const words = output
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t")[0]);
  expect(words).toEqual(["train", "runs/first", "runs/second run", "merged", "model.quantization="]);
});

test("a shell that is not known is refused", async () => {
  const { code, stderr } = await runScalora("completion", "powershell");
  expect(code).toBe(2);
  expect(stderr).toContain("bash, zsh, fish");
});
