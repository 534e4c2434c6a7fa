import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { runScalora } from "../src/cli/testing/scalora.ts";
import { readPlan } from "../src/compare/read-plan.ts";
import { parseRecipe } from "../src/config/index.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const home = process.cwd();
const scratch = temporaryFolder();
const names = readdirSync(join(repository, "docs")).filter((name) => name.endsWith(".md"));
const pages = new Map(names.map((name) => [name, readFileSync(join(repository, "docs", name), "utf8")]));

/** The code blocks of one language in one page. */
const blocks = (page: string, language: string) =>
  [...(pages.get(page) ?? "").matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(
    ([, code = ""]) => code,
  );

/** A reader's folder: a model, data and a recipe, all tiny. */
beforeAll(() => {
  process.chdir(scratch.path);
  writeTinyLlama("models/tiny");
  const rows = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ prompt: `${i}?`, completion: ` ${i}!` }),
  );
  writeFileSync("rows.jsonl", rows.join("\n"));
  const recipe = {
    model: { path: "models/tiny" },
    adapter: { method: "scalora", rank: 2 },
    data: { train: "rows.jsonl", eval: { holdOut: 4 } },
    train: { steps: 4, batchSize: 4, warmup: 0, lr: 0.01 },
    run: { name: "first-try" },
  };
  writeFileSync("recipe.yaml", JSON.stringify(recipe));
});

afterAll(() => {
  process.chdir(home);
  scratch.remove();
});

test("the commands of the guides work as printed, one after another", async () => {
  const sections = ["training.md", "adapters.md", "analysis.md"].flatMap((page) => blocks(page, "sh"));
  const commands = sections.flatMap((block) => block.trim().split("\n"));
  expect(commands.length).toBeGreaterThan(8);
  const mine = ["--set", "run.name=mine", "--set", "adapter.method=lora"];
  expect(await runScalora("train", "recipe.yaml", ...mine)).toMatchObject({ code: 0 });
  for (const command of commands) {
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain);
    expect(words.slice(0, 2)).toEqual(["npx", "scalora"]);
    if (words[2] === "chat") continue; // needs somebody to talk to
    if (words[2] === "compare") continue; // starts processes of its own: src/cli/compare.test.ts
    const { code, stdout, stderr } = await runScalora(...words.slice(2));
    expect({ command, code, errors: code === 0 ? "" : stderr }).toEqual({ command, code: 0, errors: "" });
    expect(stdout.trim(), command).not.toBe("");
  }
  for (const file of [
    "merged/model.safetensors",
    "adapter/adapter_config.json",
    "energy-95/adapter_config.json",
  ])
    expect(existsSync(join("out", file))).toBe(true);
});

test("every YAML block is right: all its keys and values are known", () => {
  const whole = {
    model: { path: "models/tiny" },
    adapter: { method: "lora" },
    data: { train: "rows.jsonl" },
  };
  let count = 0;
  for (const page of pages.keys())
    for (const block of blocks(page, "yaml")) {
      const { model, adapter, ...rest } = parse(block);
      if ("recipes" in rest) {
        writeFileSync("plan.yaml", block);
        expect(readPlan("plan.yaml").issues, `${page}: ${block}`).toEqual([]);
        continue;
      }
      const recipe = {
        ...whole,
        ...rest,
        ...(adapter && { adapter: { ...adapter, ...(adapter.from && { from: "models/tiny" }) } }),
        ...(model && { model: { ...model, path: "models/tiny" } }),
      };
      expect(() => parseRecipe(recipe, { needsData: false }), `${page}: ${block}`).not.toThrow();
      count++;
    }
  expect(count).toBeGreaterThan(4);
});

test("JSON blocks are JSON", () => {
  const lines = [...pages.keys()].flatMap((page) =>
    blocks(page, "json").flatMap((block) => block.trim().split("\n")),
  );
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
});

test("files and npm scripts that the docs name are there", () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  for (const [page, text] of pages) {
    const folders = "src|native|scripts|tools|test|recipes|bench";
    const named = text.matchAll(new RegExp(`\`((?:${folders})/[\\w./-]+)`, "g"));
    const programs = text.matchAll(new RegExp(`(?<![\\w./-])((?:${folders})/[\\w./-]+\\.\\w+)`, "g"));
    for (const [, path = ""] of [...named, ...programs])
      expect(
        [path, `${path}.ts`].some((name) => existsSync(join(repository, name))),
        `${page}: ${path}`,
      ).toBe(true);
    for (const [, script = ""] of text.matchAll(/`npm run ([\w:-]+)/g))
      expect(scripts, page).toHaveProperty([script]);
    for (const [, link = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      expect(existsSync(join(dirname(join(repository, "docs", page)), link)), `${page}: ${link}`).toBe(true);
  }
});
