import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { attachFolder } from "../index.ts";
import { attachLora } from "../lora/attach-lora.ts";
import { loraSchema } from "../lora/options.ts";
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
const factors = (rank: number) => ({ "lora_A.weight": [rank, 8], "lora_B.weight": [8, rank] });
const bad: [string, Record<string, unknown>, Shapes, RegExp][] = [
  ["LoRA of rank 0", { peft_type: "LORA", lora_alpha: 2 }, factors(0), /mix\.lora_A\.weight.*\[0, 8\]/s],
  [
    "DoRA of rank 0",
    { peft_type: "LORA", lora_alpha: 2, use_dora: true },
    { ...factors(0), lora_magnitude_vector: [8] },
    /mix\.lora_A\.weight.*\[0, 8\]/s,
  ],
  ["HiRA of rank 0", { peft_type: "HIRA" }, { hira_A: [0, 8], hira_B: [8, 0] }, /mix\.hira_A.*\[0, 8\]/s],
  ["a spectrum without numbers", fourier, { fourierft_spectrum: [0] }, /without numbers.*\[0\]/s],
  ["a spectrum of no dimension", fourier, { fourierft_spectrum: [] }, /without numbers.*\[\]/s],
  ["a spectrum of two dimensions", fourier, { fourierft_spectrum: [2, 3] }, /\[2\].*\[2, 3\]/s],
  [
    "places of no seed",
    { ...fourier, random_loc_seed: 1.5 },
    { fourierft_spectrum: [4] },
    /random_loc_seed.*an integer.*1\.5/s,
  ],
];

test.each(bad)("a folder with %s is refused, and nothing is left behind", (name, config, shapes, says) => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  const folder = written(name, config, shapes);
  expect(() => attachFolder(model, folder)).toThrow(says);
  expect(torch.liveTensorCount()).toBe(live);
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
