import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeTinyProject } from "../../src/testing/tiny-trained-run.ts";
import { elementAt } from "../../src/util/elements.ts";
import { models } from "../peer/plan.ts";
import { generationTable } from "./generation-table.ts";
import { measureGeneration, prepareGeneration } from "./measure-generation.ts";
import { installNodeLlamaCpp, version } from "./node-llama-cpp.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An environment with a cache of its own, and an npm that runs `script`. */
function environment(name: string, script: string): NodeJS.ProcessEnv {
  const bin = join(folder, name, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "npm"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, "npm"), 0o755);
  return { PATH: `${bin}:${process.env["PATH"]}`, XDG_CACHE_HOME: join(folder, name, "cache") };
}

test("node-llama-cpp is installed once, in a fixed version, with the library of this platform only", async () => {
  const env = environment(
    "works",
    `echo "$@" > "${folder}/arguments"
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/node-llama-cpp"`,
  );
  const installed = await installNodeLlamaCpp(env, "linux-x64");
  expect(existsSync(installed)).toBe(true);
  const words = readFileSync(join(folder, "arguments"), "utf8").trim().split(" ");
  expect(words).toEqual(expect.arrayContaining(["--omit=optional", "--ignore-scripts"]));
  expect(words.slice(-2)).toEqual([`node-llama-cpp@${version}`, `@node-llama-cpp/linux-x64@${version}`]);
  writeFileSync(join(folder, "works/bin/npm"), "#!/bin/sh\nexit 1\n");
  expect(await installNodeLlamaCpp(env, "linux-x64")).toBe(installed);
});

test("where it cannot be installed, the reason is said and nothing is left", async () => {
  const env = environment("fails", "echo 'no such package' >&2; exit 1");
  await expect(installNodeLlamaCpp(env, "linux-x64")).rejects.toMatchObject({
    code: "setup",
    what: expect.stringContaining(version),
    found: "no such package",
  });
  expect(readdirSync(join(folder, "fails/cache/scalora/node-llama-cpp"))).toEqual([]);
  await expect(installNodeLlamaCpp(env, "plan9-mips")).rejects.toMatchObject({ found: "plan9-mips" });
});

/** Says the same token again and again. */
const fakePackage = `
export const getLlama = async () => ({ loadModel: async () => ({ createContext: async () => ({
  getSequence: () => ({ clearHistory: async () => {}, evaluate: async function* () { for (;;) yield 3; } }),
  dispose: async () => {},
}) }) });
`;

test("ours and llama.cpp continue the same prompts in turns", async () => {
  const nodeLlamaCpp = join(folder, "fake");
  mkdirSync(join(nodeLlamaCpp, "dist"), { recursive: true });
  writeFileSync(join(nodeLlamaCpp, "package.json"), '{"type": "module"}');
  writeFileSync(join(nodeLlamaCpp, "dist/index.js"), fakePackage);
  writeTinyProject(folder);
  const files = await prepareGeneration(join(folder, "model"), folder);
  const model = { ...elementAt(models, 0), title: "tiny" };
  const row = { kind: "generation" as const, name: "generation-tiny-1-2", model, threads: 1, sequences: 2 };
  const measured = await measureGeneration(row, files, { nodeLlamaCpp, rounds: 2 });
  expect(measured).toMatchObject({ name: row.name, sequences: 2, version });
  expect(measured.seconds).toHaveLength(2);
  expect(measured.seconds.every(({ ours }) => ours > 0)).toBe(true);
  expect(measured.alike).toBeLessThan(2 * measured.newTokens);
});

test("the table has a line for each row; without any it is empty", () => {
  const results = { machine: "a processor", rows: [], techniques: [], failed: [], leftOut: [] };
  expect(generationTable({ ...results, generation: [] })).toBe("");
  const row = {
    name: "generation-smollm2-1-8",
    title: "SmolLM2-135M",
    threads: 1,
    sequences: 8,
    newTokens: 64,
    ...{
      date: "2026-11-29T21:00:00.000Z",
      version: "3.21.1",
      alike: 100,
      peakMiB: { theirs: 450, ours: 490 },
    },
    seconds: [
      { theirs: 6, ours: 2 },
      { theirs: 4, ours: 1 },
    ],
    load: { average: [1, 2] satisfies [number, number] },
  };
  expect(generationTable({ ...results, generation: [row] })).toBe(`\
| model | threads | sequences | by | node-llama-cpp tokens/s | ours | ratio, median (least–most) | peak MiB | ours | tokens alike | others | load |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| SmolLM2-135M | 1 | 8 | CPU | 105.0 | 378.0 | 3.50× (3.00–4.00) | 450 | 490 | 100 of 512 | – | 1.0–2.0 |

node-llama-cpp 3.21.1; a processor; 2026-11-29; 64 new tokens a sequence.
`);
});
