// Makes docs/support.md of what the tests noted in test/support (src/testing/support-recorder.ts); --check only compares.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";

const notes = join(packageRoot, "test", "support");
const output = join(packageRoot, "docs", "support.md");
const notTested = "not tested";

const facts = new Set(
  readdirSync(notes)
    .filter((file) => file.endsWith(".txt"))
    .flatMap((file) => readFileSync(join(notes, file), "utf8").trim().split("\n")),
);
const rows = [...facts].map((line) => line.split(" | "));
const methods = [...new Set(rows.map(([method = ""]) => method))].sort();
const trained = rows.filter(([, what]) => what === "trains");
const families = [...new Set(trained.map(([, , family = ""]) => family))].sort();
const dtypes = ["float32", "bfloat16"];

const has = (...words: string[]) => facts.has(words.join(" | "));

const yes = (...words: string[]) => (has(...words) ? "yes" : notTested);

/** What was shown, on its own or over a factored base only, or refused. */
function orRefused(method: string, what: string, refusal: string) {
  if (has(method, what)) return "yes";
  if (has(method, what, "factored base")) return "`base: factored` only";
  return has(method, refusal) ? "refused" : notTested;
}

function mergedFolder(method: string) {
  const isShown =
    families.length > 0 && families.every((family) => has(method, "merged folder", family, "float32"));
  return isShown ? "yes" : notTested;
}

/** What a method does on a family. */
function onFamily(method: string, family: string) {
  const trained = dtypes.filter((dtype) => has(method, "trains", family, dtype));
  if (trained.length === 0) return notTested;
  const merged = has(method, "merged folder", family, "float32") ? ["m"] : [];
  return [...trained.map((dtype) => (dtype === "float32" ? "32" : "16")), ...merged].join(" ");
}

function table(titles: string[], cells: string[][]) {
  const lines = [titles, titles.map(() => "---"), ...cells];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** By hand, as docs/install.md says how each was tried. macOS 12: the package `tokenizers` asks for it, libtorch for 11. */
const platforms = [
  ["`@scalora/linux-x64`", "Linux, glibc 2.28 or newer", "run"],
  [
    "`@scalora/linux-arm64`",
    "Linux, glibc 2.28 or newer",
    "run, on an emulated processor (qemu) only: installed, and the tiny quickstart with few steps, to its report",
  ],
  ["`@scalora/darwin-arm64`", "macOS 12 or newer, Apple's processors", "linked"],
  ["`@scalora/win32-x64`", "Windows 10 or newer; no process groups", "written"],
  ["none: compile", "another system for which there is a libtorch", notTested],
];

const text = `# What is tested

Made by \`node scripts/support-table.ts\` from what the tests noted when they passed (\`test/support\`); \`npm run check\` fails when it is not fresh, and those tests when the notes are not (\`npx vitest run src/adapters/contract-matrix.test.ts src/recipes/families.test.ts -u\` writes them anew). What no test shows reads "${notTested}", whatever may work. All of it is shown on the CPU, on small models. The table of platforms is written by hand.

## Platforms

*Run*: the package was installed on such a system, and trained there. *Linked*: it was made, and what it calls was looked for in the libraries and found, but it has never been run. *Written*: only the workflow that would make it is there, and it has not run either. [install.md](install.md#platforms) says what was done on each.

${table(["package", "system", "state"], platforms)}

## Methods

On layers of odd shapes (\`src/adapters/contract-matrix.test.ts\`): whether adapted layers compute what their merged weights do, in each precision; whether training works on a base in 4 bits (NF4), or is refused; whether a run that was stopped goes on bit for bit; whether the adapter alone becomes a PEFT folder that loads again. Merged folder: yes where it computes the same, loaded again, on every family below (float32). Training on several processes is tested with LoRA, ScaLoRA-I and full fine-tuning ([distributed.md](distributed.md)), not yet by this table. \`input-gain\` is no method of this package but one from outside (\`examples/input-gain\`), as your own would be ([adapters.md](adapters.md#a-method-of-your-own)): it passes the same tests.

${table(
  [
    "method",
    ...dtypes,
    "NF4 base",
    ...dtypes.map((dtype) => `resume (${dtype})`),
    "adapter folder",
    "merged folder",
    "distributed",
  ],
  methods.map((method) => [
    method,
    ...dtypes.map((dtype) => yes(method, "computes as merged", dtype)),
    orRefused(method, "trains on NF4", "NF4 refused"),
    ...dtypes.map((dtype) => yes(method, "resumes bit for bit", dtype)),
    orRefused(method, "adapter folder", "adapter folder refused"),
    mergedFolder(method),
    yes(method, "distributed"),
  ]),
)}

## Methods on model families

Three steps of training with every hook of the method, in 32 (float32) and 16 (bfloat16) bits; m: the merged folder of the float32 model, loaded again, computes the same (\`src/recipes/families.test.ts\`).

${table(
  ["method", ...families],
  methods.map((method) => [method, ...families.map((family) => onFamily(method, family))]),
)}
`;

if (!process.argv.includes("--check")) writeFileSync(output, text);
else if (readFileSync(output, "utf8") !== text) {
  process.stderr.write("docs/support.md is stale: run `node scripts/support-table.ts`\n");
  process.exit(1);
}
