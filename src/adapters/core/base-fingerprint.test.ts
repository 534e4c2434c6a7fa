import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileRefusal } from "../../testing/refusal.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { attach, attachFolder } from "../index.ts";
import { readAdapterFolder, writeAdapterFolder } from "../peft/adapter-folder.ts";
import { baseFingerprint } from "./base-fingerprint.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const methods = {
  lora: { method: "lora", rank: 2 },
  dora: { method: "dora", rank: 2 },
  pissa: { method: "pissa", rank: 2 },
  hira: { method: "hira", rank: 2 },
  fourierft: { method: "fourierft", frequencies: 12 },
} as const;

/** An adapter of one layer of a model with given weights. */
function saved(name: keyof typeof methods): string {
  const folder = join(scratch.path, name);
  rmSync(folder, { recursive: true, force: true });
  using model = new TinyLM();
  const adapters = attach(model, { ...methods[name], targetModules: ["mix"] });
  adapters.saveAdapter(folder, "org/base");
  adapters.dispose();
  return folder;
}

test.each(["lora", "dora", "pissa", "hira", "fourierft"] as const)(
  "%s: an adapter is refused on other weights",
  (method) => {
    const folder = saved(method);
    using model = new TinyLM();
    attachFolder(model, folder).dispose();
    torch.noGrad(() =>
      torch.scope(() => torch.mul_(model.mix.plainWeight(), torch.full([], 1.1, { device: "cpu" }))),
    );
    const live = torch.liveTensorCount();
    expect(() => attachFolder(model, folder)).toThrow(
      fileRefusal("model", folder, {
        expected: "the weights of org/base",
        found: expect.stringContaining("other weights"),
        fix: expect.stringContaining("--as merged"),
      }),
    );
    expect(model.mix.adapter).toBeUndefined();
    expect(torch.liveTensorCount()).toBe(live);
  },
);

test("a base in another precision is the same base", () => {
  const folder = saved("lora");
  using model = new TinyLM();
  for (const dtype of ["bfloat16", "float32", "float64"] as const) {
    const old = model.mix.plainWeight();
    model.mix.weight = torch.scope(() => torch.toDType(old, dtype)).keep();
    old.dispose();
    attachFolder(model, folder).dispose();
  }
});

test("a folder that another program wrote names no base, and is taken", () => {
  const { config, tensors } = readAdapterFolder(saved("lora"));
  const folder = join(scratch.path, "other");
  writeAdapterFolder(folder, config, tensors);
  for (const tensor of tensors.values()) tensor.dispose();
  using model = new TinyLM();
  torch.noGrad(() =>
    torch.scope(() => torch.mul_(model.mix.plainWeight(), torch.full([], 1.1, { device: "cpu" }))),
  );
  attachFolder(model, folder).dispose();
});

test("weights that differ outside their first columns only are other weights", () => {
  const layers = (model: TinyLM) => [{ path: "mix", linear: model.mix }];
  using model = new TinyLM({ hiddenSize: 256 });
  const before = baseFingerprint(layers(model));
  torch.noGrad(() =>
    torch.scope(() =>
      torch.mul_(torch.narrow(model.mix.plainWeight(), 1, 128, 128), torch.full([], 2, { device: "cpu" })),
    ),
  );
  expect(baseFingerprint(layers(model))).not.toBe(before);
});
