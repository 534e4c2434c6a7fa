import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readSafetensorsHeader, writeSafetensors } from "../../safetensors/index.ts";
import { fileRefusal, refusal } from "../../testing/refusal.ts";
import { fromData } from "../../torch/index.ts";
import { readAdapterFolder, writeAdapterFolder } from "./adapter-folder.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-adapter-"));
afterAll(() => rmSync(scratch, { recursive: true }));

test("an adapter is written under PEFT's names and read under the model's", () => {
  const folder = join(scratch, "adapter");
  const config = { peft_type: "LORA", r: 1, lora_alpha: 2, target_modules: ["q_proj"] };
  using a = fromData(Float32Array.of(1, 2), [1, 2], { device: "cpu" });
  using b = fromData(Float32Array.of(3), [1, 1], { device: "cpu" });
  const path = "model.layers.0.self_attn.q_proj";
  writeAdapterFolder(folder, config, [
    [`${path}.lora_A.weight`, a],
    [`${path}.lora_B.weight`, b],
  ]);
  const names = [...readSafetensorsHeader(join(folder, "adapter_model.safetensors")).entries.keys()];
  expect(names).toEqual([`base_model.model.${path}.lora_A.weight`, `base_model.model.${path}.lora_B.weight`]);
  expect(JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8"))).toEqual(config);
  const read = readAdapterFolder(folder);
  expect(read.config).toEqual(config);
  expect([...read.tensors].map(([name, tensor]) => [name, [...tensor.toFloats()]])).toEqual([
    [`${path}.lora_A.weight`, [1, 2]],
    [`${path}.lora_B.weight`, [3]],
  ]);
  for (const tensor of read.tensors.values()) tensor.dispose();
});

test("what is not an adapter folder is a clear error", () => {
  const folder = mkdtempSync(join(scratch, "bad-"));
  expect(() => readAdapterFolder(folder)).toThrow(
    fileRefusal("model", folder, { message: "adapter_config.json" }),
  );
  writeFileSync(join(folder, "adapter_config.json"), "{}");
  writeFileSync(join(folder, "adapter_model.bin"), "");
  expect(() => readAdapterFolder(folder)).toThrow(
    fileRefusal("model", folder, {
      message: "adapter_model.safetensors",
      found: "adapter_model.bin",
      fix: expect.stringContaining("safetensors"),
    }),
  );
  using tensor = fromData(Float32Array.of(1), [1], { device: "cpu" });
  writeSafetensors(join(folder, "adapter_model.safetensors"), [["lora_A.weight", tensor]]);
  expect(() => readAdapterFolder(folder)).toThrow(
    fileRefusal("format", join(folder, "adapter_model.safetensors"), {
      expected: expect.stringMatching(/ base_model\.model\.$/),
      found: "lora_A.weight",
    }),
  );
});

test("an adapter with a weight that is not finite is refused by tensor and file", () => {
  const folder = join(scratch, "nan");
  using tensor = fromData(Float32Array.of(1, Number.NaN), [1, 2], { device: "cpu" });
  writeAdapterFolder(folder, {}, [["mix.lora_A.weight", tensor]]);
  expect(() => readAdapterFolder(folder)).toThrow(
    refusal("model", {
      where: join(folder, "adapter_model.safetensors"),
      found: "mix.lora_A.weight (1 of 2 numbers)",
    }),
  );
});
