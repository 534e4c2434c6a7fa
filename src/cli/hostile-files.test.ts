import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => writeTinyLlama(at("model")));

/** Runs a command that must end with exit code 2; what it prints. */
async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runScalora(...args);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what may not be there.
  expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  expect(stderr.length).toBeLessThan(5000);
  return stderr;
}

test("a chat template that would never end is an error that names its file", async () => {
  const path = at("model", "chat_template.jinja");
  writeFileSync(path, "{% for i in range(1000000000) %}x{% endfor %}");
  expect(await refused("generate", at("model"), "hello", "--chat")).toContain(path);
});

const recipe = (train: string, more: string) =>
  `{"model": {"path": ${JSON.stringify(at("model"))}}, "adapter": {"method": "lora"}, "data": {"train": ${JSON.stringify(train)}}${more}}`;

test("what an error quotes of a recipe has no escape sequences, and is short", async () => {
  const keys = `, "\\u001b[2J": 1, "${"k".repeat(1_000_000)}": 2`;
  writeFileSync(at("recipe.yaml"), recipe(at("recipe.yaml"), keys));
  expect(await refused("train", at("recipe.yaml"))).toContain("\\x1b[2J");
});

test("what an error quotes of a row has no escape sequences, and is short", async () => {
  writeFileSync(at("rows.jsonl"), `\x1b]0;title\x07\u202e${"x".repeat(1_000_000)}\n`);
  const text = await refused("eval", "assets/tiny", "--data", at("rows.jsonl"));
  expect(text).toContain(`${at("rows.jsonl")}:1`);
  expect(text).toContain("\\x1b]0;title\\x07\\u202e");
});

test("a pipe as data is refused, not waited for", async () => {
  execFileSync("mkfifo", [at("pipe.jsonl")]);
  expect(await refused("eval", "assets/tiny", "--data", at("pipe.jsonl"))).toContain("a pipe");
});

test("an unknown option is quoted without its escape sequences", async () => {
  expect(await refused("train", `--\x1b[2J${"x".repeat(100_000)}`)).toContain("\\x1b[2J");
});
