import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type FileRefusal, fileRefusal, refusal } from "../../testing/refusal.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { attachFolder } from "../index.ts";
import { attachLora } from "../lora/attach-lora.ts";
import { loraSchema } from "../lora/options.ts";
import { loraAlphas } from "./adapter-config.ts";
import { writeAdapterFolder } from "./adapter-folder.ts";
import { loadPeftWeights } from "./load-adapter.ts";
import { loraFormat } from "./lora-format.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Writes a folder of zeros, by the ends of the tensors' names. @returns its path */
function written(name: string, config: Readonly<Record<string, unknown>>, shapes: Shapes): string {
  const folder = join(scratch.path, name);
  torch.scope(() => {
    const tensors = Object.entries(shapes).map(
      ([end, shape]) => [`mix.${end}`, torch.zeros(shape, { device: "cpu" })] as const,
    );
    writeAdapterFolder(folder, { bias: "none", ...config }, tensors);
  });
  return folder;
}

const fourier = { peft_type: "FOURIERFT", scaling: 150, random_loc_seed: 777 };
const spectrum = ": mix.fourierft_spectrum";
const factors = (rank: number) => ({ "lora_A.weight": [rank, 8], "lora_B.weight": [8, rank] });
const bad: [string, Record<string, unknown>, Shapes, FileRefusal][] = [
  [
    "LoRA of rank 0",
    { peft_type: "LORA", lora_alpha: 2 },
    factors(0),
    { where: ": mix.lora_A.weight", found: "[0, 8]" },
  ],
  [
    "DoRA of rank 0",
    { peft_type: "LORA", lora_alpha: 2, use_dora: true },
    { ...factors(0), lora_magnitude_vector: [8] },
    { where: ": mix.lora_A.weight", found: "[0, 8]" },
  ],
  [
    "HiRA of rank 0",
    { peft_type: "HIRA" },
    { hira_A: [0, 8], hira_B: [8, 0] },
    { where: ": mix.hira_A", found: "[0, 8]" },
  ],
  ["a spectrum without numbers", fourier, { fourierft_spectrum: [0] }, { where: spectrum, found: "[0]" }],
  ["a spectrum of no dimension", fourier, { fourierft_spectrum: [] }, { where: spectrum, found: "[]" }],
  [
    "a spectrum of two dimensions",
    fourier,
    { fourierft_spectrum: [2, 3] },
    { where: spectrum, expected: "[2] for a weight of shape [8, 8]", found: "[2, 3]" },
  ],
];

test.each(bad)("a folder with %s is refused, and nothing is left behind", (name, config, shapes, fields) => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  const folder = written(name, config, shapes);
  expect(() => attachFolder(model, folder)).toThrow(fileRefusal("model", folder, fields));
  expect(torch.liveTensorCount()).toBe(live);
});

test("a folder with a seed that is none is refused, and nothing is left behind", () => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  const folder = written("seed", { ...fourier, random_loc_seed: 1.5 }, { fourierft_spectrum: [4] });
  expect(() => attachFolder(model, folder)).toThrow(
    fileRefusal("format", folder, { message: "random_loc_seed", found: "1.5" }),
  );
  expect(torch.liveTensorCount()).toBe(live);
});

test.each([
  ["a list of objects", [{}]],
  ["a name alone", "lm_head"],
  ["an object", {}],
])("modules_to_save that is %s is an error", (kind, names) => {
  using model = new TinyLM();
  const config = { peft_type: "LORA", lora_alpha: 2, modules_to_save: names };
  const folder = written(kind, config, factors(2));
  expect(() => attachFolder(model, folder)).toThrow(
    fileRefusal("format", folder, { message: "modules_to_save", found: JSON.stringify(names) }),
  );
});

test("a layer has the numerator of the first pattern that its path ends with", () => {
  const config = { lora_alpha: 4, alpha_pattern: { "[qk]_proj": 8, q_proj: 16, "": 1 } };
  const alphaOf = loraAlphas("folder", config, ["layers.0.q_proj", "layers.0.v_proj"]);
  expect([alphaOf("layers.0.q_proj"), alphaOf("layers.0.v_proj")]).toEqual([8, 4]);
});

test.each([
  ["(a+)+x", /takes? longer than a second/],
  ["q_proj(", /not a regular expression/],
])("the pattern %s of an adapter is an error that names it and its fault", (pattern, message) => {
  const alphas = () =>
    loraAlphas("folder", { alpha_pattern: { v_proj: 2, [pattern]: 1 } }, ["v_proj", "a".repeat(60)]);
  expect(alphas).toThrow(
    refusal("format", { message, where: /folder\/adapter_config\.json/, found: pattern }),
  );
});

test("where a folder cannot be copied the adapters go, and the files' tensors with them", () => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  const folder = written("half", { peft_type: "LORA" }, { "lora_A.weight": [2, 8] });
  const options = loraSchema.parse({ method: "lora", rank: 2, targetModules: ["mix"] });
  const adapters = attachLora(model, options, { seed: 0 });
  expect(() => loadPeftWeights(folder, adapters, loraFormat)).toThrow(
    refusal("model", { where: /: mix\.lora_B\.weight$/ }),
  );
  expect(model.mix.adapter).toBeUndefined();
  expect(torch.liveTensorCount()).toBe(live);
});
