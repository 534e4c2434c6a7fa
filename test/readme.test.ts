import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { runScalora } from "../src/cli/testing/scalora.ts";
import { parseRecipe } from "../src/config/index.ts";
import { readRecipeSource } from "../src/config/recipe-source.ts";
import { runDemo } from "../src/quickstart/run-quickstart.ts";
import { translationDemo } from "../src/quickstart/translation/demo.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { elementAt } from "../src/util/elements.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(repository, "README.md"), "utf8");
const home = process.cwd();
const scratch = temporaryFolder();

/** The code blocks of one language. */
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, code = ""]) => code);

/** A folder as it is after `npm start`, with a quickstart of few steps. */
beforeAll(async () => {
  process.chdir(scratch.path);
  symlinkSync(join(repository, "assets"), "assets");
  const signal = new AbortController().signal;
  const job = { ...translationDemo, training: { ...translationDemo.training, steps: 6 } };
  await runDemo(job, { out: "runs/quickstart", seed: 0 }, { signal, onEvent: () => {} });
});

afterAll(() => {
  process.chdir(home);
  scratch.remove();
});

test("the quickstart's recipe moves with the folder that it was made in", () => {
  const { data, run } = parse(readFileSync("runs/quickstart/recipe.yaml", "utf8"));
  const { train, eval: held } = data;
  expect(run.folder).toBe("runs/quickstart");
  expect([train, held]).toEqual(["train", "validation"].map((part) => `runs/quickstart/data/${part}.jsonl`));
});

test("every scalora command of the README works as printed", async () => {
  const lines = blocks("sh").flatMap((block) =>
    block.split("\n").flatMap((line) => /^npx scalora [^#]+/.exec(line)?.[0].trim() ?? []),
  );
  // The board serves until Ctrl-C: src/cli/board.test.ts runs it.
  const commands = lines.filter((command) => command !== "npx scalora board");
  expect(commands.length).toBe(lines.length - 1);
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) {
    // What several processes do at once, one does here: test/cluster-examples.test.ts starts two.
    const ofOne = command.replace(" launch --nproc 2", "");
    const { code, stdout, stderr } = await runScalora(...ofOne.split(" ").slice(2));
    expect({ command, code, errors: code === 0 ? "" : stderr }).toEqual({
      command,
      code: 0,
      errors: "",
    });
    expect(stdout.trim()).not.toBe("");
  }
  expect(existsSync("runs/mine-merged/model.safetensors")).toBe(true);
});

test("the README's recipe has no mistake but the files that a reader brings", () => {
  const recipe = elementAt(blocks("yaml"), 0);
  writeFileSync("recipe.yaml", recipe);
  const { value } = readRecipeSource("recipe.yaml", []);
  // A cache of no models: this machine's may hold the recipe's.
  vi.stubEnv("XDG_CACHE_HOME", scratch.path);
  expect(() => parseRecipe(value)).toThrow(
    expect.objectContaining({
      issues: [
        expect.objectContaining({ key: "model.path" }),
        expect.objectContaining({ key: expect.stringMatching(/^data\.train/) }),
      ],
    }),
  );
  vi.unstubAllEnvs();
});
