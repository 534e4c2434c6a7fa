import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { loadClassifier } from "../../models/index.ts";
import { tokenStream } from "../../nn/index.ts";
import { refusal } from "../../testing/refusal.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { type AdapterOptions, attach, writeLora } from "../index.ts";
import { requireLowRank } from "../testing/low-rank.ts";

const golden = fileURLToPath(new URL("../../../test/golden/encoders", import.meta.url));
const scratch = temporaryFolder();
afterAll(scratch.remove);

const lora = (options: object = {}): AdapterOptions => ({ method: "lora", rank: 2, ...options });

test.each([
  ["bert-pairs", ["classifier"], 2 * 6 + 1],
  ["roberta-unequal", ["classifier"], 2 * 6],
  ["deberta-v3", ["pooler", "classifier"], 2 * 6],
])("%s: the head trains beside the adapter, and all-linear leaves it alone", async (name, head, layers) => {
  using model = await loadClassifier(join(golden, name));
  const before = torch.liveTensorCount();
  for (const method of ["lora", "scalora"] as const) {
    const adapters = requireLowRank(attach(model, { method, rank: 2 }));
    expect(adapters.modulesToSave.paths).toEqual(head);
    expect(adapters.adaptedPaths()).toHaveLength(layers);
    expect(adapters.adaptedPaths().filter((path) => head.some((part) => path.startsWith(part)))).toEqual([]);
    const trained = [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad);
    expect(trained.length).toBeGreaterThanOrEqual(head.length);
    expect(trained.map(([path]) => path)).toEqual(adapters.modulesToSave.trainables.map(({ name }) => name));
    torch.scope(() =>
      torch.sum(model.logits(tokenStream([4, 5, 6, 7], [0, 1, 4], { device: "cpu" }))).backward(),
    );
    for (const { name, grad } of adapters.modulesToSave.trainables)
      expect(Math.hypot(...grad.toFloats()), name).toBeGreaterThan(0);
    adapters.zeroGrad();
    for (const { grad } of adapters.modulesToSave.trainables) expect(Math.hypot(...grad.toFloats())).toBe(0);
    adapters.dispose();
  }
  expect(torch.liveTensorCount()).toBe(before);
});

test("trained values belong to the state, and go with the adapter", async () => {
  using model = await loadClassifier(join(golden, "bert-pairs"));
  const logits = () =>
    torch.noGrad(() =>
      torch.scope(() => [...model.logits(tokenStream([4, 5, 6], undefined, { device: "cpu" })).toFloats()]),
    );
  const base = logits();
  const adapters = requireLowRank(attach(model, lora()));
  const state = adapters.state();
  expect([...state.keys()]).toEqual(expect.arrayContaining(["classifier.weight", "classifier.bias"]));
  const saved = new Map([...state].map(([name, value]) => [name, torch.clone(value)]));
  torch.noGrad(() => torch.fill_(state.get("classifier.bias") ?? expect.fail("no bias"), 3));
  const changed = logits();
  expect(changed).not.toEqual(base);
  adapters.loadState((name) => saved.get(name) ?? expect.fail(name));
  expect(logits()).toEqual(base);
  for (const tensor of saved.values()) tensor.dispose();
  torch.noGrad(() => torch.fill_(state.get("classifier.bias") ?? expect.fail("no bias"), 3));
  expect(logits()).toEqual(changed);
  adapters.dispose();
  expect(logits()).toEqual(base);
});

test("modules are chosen by pattern, and a part of another is not taken twice", async () => {
  using model = await loadClassifier(join(golden, "roberta-unequal"));
  const chosen = (modulesToSave: string[]) => {
    const adapters = requireLowRank(attach(model, lora({ modulesToSave, targetModules: ["query"] })));
    const { paths } = adapters.modulesToSave;
    adapters.dispose();
    return paths;
  };
  expect(chosen(["out_proj", "/^classifier/"])).toEqual(["classifier"]);
  expect(chosen(["LayerNorm"])).toHaveLength(5);
  expect(chosen([])).toEqual([]);
  expect(() => chosen(["clasifier"])).toThrow(
    refusal("config", { where: "adapter.modulesToSave", message: "clasifier", fix: '"classifier"' }),
  );
});

test("what other modules share cannot be saved beside an adapter", () => {
  using model = new TinyLM({ tied: true });
  const options = { targetModules: ["mix"], modulesToSave: ["lm_head"] };
  expect(() => attach(model, lora(options))).toThrow(
    refusal("config", { where: "adapter.modulesToSave", found: /^lm_head, and embed_tokens/ }),
  );
});

test("a folder names the task and what it saves; of a language model nothing by default", () => {
  using model = new TinyLM();
  for (const [modulesToSave, saved] of [
    [undefined, null],
    [["norm"], ["norm"]],
  ] as const) {
    const adapters = requireLowRank(attach(model, lora({ targetModules: ["mix"], modulesToSave })));
    const out = join(scratch.path, String(saved));
    writeLora(out, adapters, "base");
    const config = JSON.parse(readFileSync(join(out, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({ task_type: "CAUSAL_LM", modules_to_save: saved });
    adapters.dispose();
  }
});
