import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { runScalora } from "../src/cli/testing/scalora.ts";
import { runsTypeScript } from "../src/testing/child-process.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../src/testing/tiny-trained-run.ts";

const scratch = temporaryFolder();
const at = (name: string) => join(scratch.path, name);
afterAll(scratch.remove);

const installed = process.env["NODE_LLAMA_CPP"] !== undefined;
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

async function succeed(...args: string[]): Promise<void> {
  const { code, stderr } = await runScalora(...args);
  if (code !== 0) throw new Error(stderr);
}

async function compare(...args: string[]): Promise<string> {
  const all = [...runsTypeScript, path("../tools/gguf-llama.ts"), ...args, "--tokens", "12"];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  return stdout;
}

test.skipIf(!installed)(
  "merged files and adapters do in node-llama-cpp what they do here (needs NODE_LLAMA_CPP)",
  async () => {
    writeTinyProject(scratch.path);
    const run = await trainTiny(scratch.path, "scalora");
    writeFileSync(at("prompts.json"), JSON.stringify(["abc=", "xyz=", "the cat", "é 12"]));
    const prompts = ["--prompts", at("prompts.json")];
    await succeed("export", run, "--out", at("merged.gguf"), "--format", "gguf");
    expect(await compare(at("merged.gguf"), at("merged.gguf"), ...prompts)).toContain("4 of 4 agree");
    await succeed("export", at("model"), "--out", at("base.gguf"), "--format", "gguf");
    const svd = ["--as", "svd", "--rank", "4"];
    await succeed("export", run, "--out", at("adapter"), ...svd);
    await succeed("export", run, "--out", at("adapter.gguf"), "--format", "gguf", ...svd);
    const both = ["--adapter", at("adapter"), "--lora", at("adapter.gguf")];
    expect(await compare(at("base.gguf"), at("base.gguf"), ...both, ...prompts)).toContain("4 of 4 agree");
  },
  300_000,
);
