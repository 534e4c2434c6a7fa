import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { printedFailure } from "../src/cli/testing/printed-failure.ts";
import { runScalora as run } from "../src/cli/testing/scalora.ts";
import { byteTokenizer } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../src/testing/tiny-trained-run.ts";
import { liveTensorCount } from "../src/torch/index.ts";

const scratch = temporaryFolder();
const place = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

const recipe = () => ({
  model: { path: place("model") },
  adapter: { method: "lora", rank: 2 },
  data: { train: place("train.jsonl"), eval: { holdOut: 4 } },
  train: { steps: 2, batchSize: 4 },
  run: { folder: place("runs") },
});

beforeAll(() => {
  writeTinyProject(scratch.path);
  writeFileSync(place("recipe.yaml"), JSON.stringify(recipe()));
});

const train = (...set: string[]) =>
  run("train", place("recipe.yaml"), ...set.flatMap((value) => ["--set", value]));

/** A file of its own for one case. */
function file(name: string, content: string): string {
  writeFileSync(place(name), content);
  return place(name);
}

/** A copy of the model folder, damaged. */
function model(name: string, damage: (folder: string) => void): string {
  cpSync(place("model"), place(name), { recursive: true });
  damage(place(name));
  return place(name);
}

const tokenizerOf = (size: number) => ({
  ...byteTokenizer,
  model: {
    ...byteTokenizer.model,
    vocab: {
      ...byteTokenizer.model.vocab,
      ...Object.fromEntries(Array.from({ length: size }, (_, i) => [`extra${i}`, 260 + i])),
    },
  },
});

const has = (part: string) => expect.stringContaining(part);
const longRow = JSON.stringify({ prompt: "a=", completion: "B".repeat(400) });

/** What goes wrong, how it is caused, and what is printed of it. */
const cases: [name: string, cause: () => ReturnType<typeof run>, failure: () => object][] = [
  [
    "an unknown config key",
    () => train("train.leraning=1"),
    () => ({ where: "--set train.leraning=1", expected: has("lr"), found: "leraning" }),
  ],
  [
    "a wrong type",
    () => train("adapter.rank=eight"),
    () => ({ message: has("adapter.rank"), found: '"eight" (text)' }),
  ],
  [
    "a missing recipe",
    () => run("train", place("nothing.yaml")),
    () => ({ where: place("nothing.yaml"), found: has("does not exist") }),
  ],
  [
    "a missing data file",
    () => train(`data.train=${place("trian.jsonl")}`),
    () => ({ found: place("trian.jsonl"), fix: has("train.jsonl") }),
  ],
  [
    "malformed JSONL",
    () => train(`data.train=${file("broken.jsonl", `${capitalRows(2)}{"prompt": "x=", "compl\n`)}`),
    () => ({ where: `${place("broken.jsonl")}:3` }),
  ],
  [
    "empty data",
    () => train(`data.train=${file("empty.jsonl", "")}`),
    () => ({ where: place("empty.jsonl") }),
  ],
  [
    "all labels masked",
    () =>
      train(
        `data.train=${file("masked.jsonl", '{"messages":[{"role":"user","content":"hi"}]}\n')}`,
        "data.eval=none",
      ),
    () => ({ where: place("masked.jsonl"), found: has(`${place("masked.jsonl")}:1`) }),
  ],
  [
    "a sequence longer than the model",
    () => train(`data.train=${file("long.jsonl", `${capitalRows(8)}${longRow}\n`)}`),
    () => ({ where: `${place("long.jsonl")}:9`, expected: "at most 256 tokens", found: "403 tokens" }),
  ],
  [
    "a target that matches nothing",
    () => train("adapter.targetModules=[q_porj]"),
    () => ({ message: has("q_porj"), where: "adapter.targetModules", fix: 'did you mean "q_proj"?' }),
  ],
  [
    "a truncated safetensors file",
    () =>
      train(`model.path=${model("cut", (folder) => truncateSync(join(folder, "model.safetensors"), 5000))}`),
    () => ({ where: place("cut", "model.safetensors"), found: "5000 bytes" }),
  ],
  [
    "a hostile safetensors file",
    () =>
      train(
        `model.path=${model("hostile", (folder) => {
          const header = Buffer.from(
            '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
          );
          const size = Buffer.alloc(8);
          size.writeBigUInt64LE(BigInt(header.length));
          writeFileSync(join(folder, "model.safetensors"), Buffer.concat([size, header, Buffer.alloc(16)]));
        })}`,
      ),
    () => ({ where: place("hostile", "model.safetensors"), found: has('duplicate key "a"') }),
  ],
  [
    "tokenizer and model of different vocabularies",
    () =>
      train(
        `model.path=${model("words", (folder) => {
          writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizerOf(40)));
        })}`,
      ),
    () => ({ where: place("words"), expected: has("260 tokens"), found: "300 tokens" }),
  ],
  [
    "a checkpoint of another model",
    async () => {
      expect((await train("run.name=other")).code).toBe(0);
      const weights = join(
        model("changed", () => {}),
        "model.safetensors",
      );
      const bytes = readFileSync(weights);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      writeFileSync(weights, bytes);
      const config = place("runs", "other", "config.yaml");
      writeFileSync(config, readFileSync(config, "utf8").replace(place("model"), place("changed")));
      return run("train", "--resume", place("runs", "other"));
    },
    () => ({
      where: place("runs", "other", "checkpoints", "step-000002"),
      found: expect.stringMatching(/^base weights [0-9a-f]{64}$/),
    }),
  ],
  [
    "a run folder that cannot be written",
    () => {
      mkdirSync(place("locked"));
      chmodSync(place("locked"), 0o500);
      // root may write anywhere, but not below a file
      const folder = process.getuid?.() === 0 ? join(file("a-file", ""), "runs") : place("locked");
      return train(`run.folder=${folder}`);
    },
    () => ({ code: 1, where: has("recipe-lora"), fix: has("--set run.folder=") }),
  ],
  [
    "a run folder that exists",
    () => train("run.name=other"),
    () => ({ where: place("runs", "other"), fix: has("--resume") }),
  ],
  [
    "a model folder without a model",
    () => train(`model.path=${scratch.path}`),
    () => ({ message: has("config.json"), where: scratch.path }),
  ],
  [
    "adapter dropout",
    () => train("adapter.dropout=0.1"),
    () => ({ message: has("adapter.dropout"), expected: "0", found: "0.1" }),
  ],
  ["an unknown verb", () => run("trian"), () => ({ message: has("train?") })],
  [
    "a run that is not there",
    () => run("train", "--resume", place("runs", "othr")),
    () => ({ where: place("runs", "othr"), fix: `did you mean ${place("runs", "other")}?` }),
  ],
  [
    "data in place of a recipe",
    () => run("train", place("train.jsonl")),
    () => ({ where: has(place("train.jsonl")) }),
  ],
  [
    "a method that is none",
    () => train("adapter.method=lorra"),
    () => ({ message: has("adapter.method"), found: '"lorra" (text)', fix: "did you mean lora?" }),
  ],
];

test.each(cases)(
  "%s: one clear message, the right exit code, nothing lost",
  async (_name, cause, failure) => {
    const live = liveTensorCount();
    const result = await cause();
    expect(liveTensorCount()).toBe(live);
    expect(result.stdout).toBe("");
    expect(printedFailure(result)).toMatchObject({ code: 2, ...failure() });
    expect(result.stderr.match(/^error:/gm)).toHaveLength(1);
    expect(result.stderr).not.toMatch(/^ +at /m);
    expect(readdirSync(scratch.path).filter((name) => name.includes(".tmp"))).toEqual([]);
  },
);

test("--verbose adds the stack", async () => {
  const { stderr } = await run(
    "train",
    place("recipe.yaml"),
    "--verbose",
    "--set",
    "adapter.targetModules=[q_porj]",
  );
  expect(stderr).toMatch(/^ +at /m);
});
