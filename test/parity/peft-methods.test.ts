import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type AdapterSet, attach, attachFolder, LayerAdapters } from "../../src/adapters/index.ts";
import { readAdapterFolder } from "../../src/adapters/peft/adapter-folder.ts";
import { loadModel } from "../../src/models/index.ts";
import { type CausalLM, tokenStream } from "../../src/nn/index.ts";
import { SafetensorsFile } from "../../src/safetensors/index.ts";
import "../../src/testing/close-to.ts";
import { copyGoldenLlama } from "../../src/testing/golden-llama.ts";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";
import { tolerances } from "../../src/testing/tolerances.ts";
import * as torch from "../../src/torch/index.ts";
import { mapTuple, required } from "../../src/util/elements.ts";

const golden = fileURLToPath(new URL("../golden/peft-methods", import.meta.url));
const scratch = temporaryFolder();
afterAll(scratch.remove);

/** Our stack behind the end of PEFT's name, and whether PEFT's tensor is its transpose. */
const stacks: Readonly<Record<string, readonly [part: string, turned: boolean]>> = {
  "lora_A.weight": ["B", true],
  "lora_B.weight": ["A", false],
  "lora_magnitude_vector.weight": ["magnitude", false],
  fourierft_spectrum: ["spectrum", false],
  hira_A: ["B", true],
  hira_B: ["A", false],
};

/** Where the layer of a name of PEFT's is. */
function located(adapters: AdapterSet, name: string) {
  if (!(adapters instanceof LayerAdapters)) throw new Error("not adapters on layers");
  const end = Object.keys(stacks).find((suffix) => name.endsWith(suffix)) ?? expect.fail(name);
  return { end, ...adapters.find(name.slice(0, -end.length - 1)) };
}

/** A layer's slice of the tensor that has a name of PEFT's. */
function ours(adapters: AdapterSet, name: string, of: "value" | "grad"): torch.Tensor {
  const { bank, index, end } = located(adapters, name);
  const [part, turned] = required(stacks[end], end);
  const slice = torch.select(bank.stacks[part][of], 0, index);
  return turned ? torch.transpose(slice, 0, 1) : slice;
}

/** Compares the logits, the gradient of their mean square and the merged weights with what PEFT computed. */
function compare(model: CausalLM, adapters: AdapterSet, file: SafetensorsFile): void {
  const expected = (name: string) => {
    using tensor = file.tensor(name);
    return tensor.toFloats();
  };
  torch.scope(() => {
    const logits = model.lm_head.forward(
      model.hiddenStates(tokenStream(expected("tokens"), undefined, { device: "cpu" })),
    );
    expect(logits.toFloats()).toBeCloseToAll(expected("logits"), tolerances.adaptedLogits);
    torch.mean(torch.square(logits)).backward();
    for (const name of file.header.entries.keys()) {
      const [kind, ...rest] = name.split(".");
      const path = rest.join(".");
      if (kind === "grad")
        expect(ours(adapters, path, "grad").toFloats(), name).toBeCloseToAll(
          expected(name),
          tolerances.adaptedGradients,
        );
      if (kind === "merged")
        expect(adapters.mergedWeight(path).toFloats(), name).toBeCloseToAll(
          expected(name),
          tolerances.mergedWeight,
        );
    }
  });
}

test.each(["lora", "dora", "hira", "fourierft"])(
  "PEFT's %s folder: its logits, gradients and merged weights are PEFT's",
  async (name) => {
    using file = SafetensorsFile.open(join(golden, name, "expected.safetensors"));
    using model = await loadModel(copyGoldenLlama(scratch.path, file.header.metadata.get("model") ?? ""));
    const adapters = attachFolder(model, join(golden, name));
    expect(adapters.method).toBe(name);
    compare(model, adapters, file);
    adapters.dispose();
  },
);

/** Puts compensated adapters at the values that a fixture holds: trained ones from the folder, the start beside them. */
function load(adapters: AdapterSet, folder: string, file: SafetensorsFile): void {
  const { tensors } = readAdapterFolder(folder);
  torch.noGrad(() =>
    torch.scope(() => {
      for (const [name, tensor] of tensors) torch.copy_(ours(adapters, name, "value"), tensor);
      const state = adapters.state();
      for (const name of [...file.header.entries.keys()].filter((key) => key.startsWith("start."))) {
        const isA = name.endsWith("lora_B.weight");
        const { bank, index } = located(adapters, name.slice("start.".length));
        const part = state.get(`${bank.name}.${isA ? "startA" : "startB"}`) ?? expect.fail(name);
        const start = file.tensor(name);
        const slot = torch.select(part, 0, index);
        torch.copy_(slot, isA ? start : torch.transpose(start, 0, 1));
      }
    }),
  );
  for (const tensor of tensors.values()) tensor.dispose();
}

const targetModules = ["q_proj", "down_proj"];
const compensated = [
  ["pissa", { method: "pissa", rank: 4, alpha: 6, targetModules }],
  ["lora-ga", { method: "lora-ga", rank: 8, alpha: 16, targetModules }],
] as const;

test.each(compensated)(
  "%s from PEFT's start: its logits, gradients and merged weights",
  async (name, options) => {
    using file = SafetensorsFile.open(join(golden, name, "expected.safetensors"));
    using model = await loadModel(copyGoldenLlama(scratch.path, "untied"));
    const adapters = attach(model, options);
    load(adapters, join(golden, name), file);
    compare(model, adapters, file);
    adapters.dispose();
  },
);

/** Largest |cosine| short of 1 of the columns of two matrices with each other. */
function offDirection(a: torch.Tensor, b: torch.Tensor): number {
  const norm = (x: torch.Tensor) => torch.linalgVectorNorm(x, { dim: [0] });
  const cosines = torch.div(torch.sum(torch.mul(a, b), { dim: [0] }), torch.mul(norm(a), norm(b)));
  return Math.max(...cosines.toFloats().map((cosine) => 1 - Math.abs(cosine)));
}

test("pissa starts at PEFT's factors, but for signs; the model starts as the base", async () => {
  using file = SafetensorsFile.open(join(golden, "pissa", "expected.safetensors"));
  using model = await loadModel(copyGoldenLlama(scratch.path, "untied"));
  const adapters = attach(model, compensated[0][1]);
  torch.noGrad(() =>
    torch.scope(() => {
      for (const name of [...file.header.entries.keys()].filter((key) => key.startsWith("start."))) {
        const own = ours(adapters, name.slice("start.".length), "value");
        const theirs = file.tensor(name);
        const [a, b] = mapTuple([own, theirs], torch.abs);
        expect(a.toFloats(), name).toBeCloseToAll(b.toFloats(), tolerances.trained);
      }
    }),
  );
  adapters.dispose();
});

test("lora-ga's factors have the directions of PEFT's, and the paper's length", async () => {
  using file = SafetensorsFile.open(join(golden, "lora-ga", "expected.safetensors"));
  using model = await loadModel(copyGoldenLlama(scratch.path, "untied"));
  const adapters = attach(model, compensated[1][1]);
  const context = { step: 1, warmupSteps: 0, peakLr: 1, lr: 1, moments: () => undefined };
  torch.scope(() => {
    using tokens = file.tensor("tokens");
    adapters.beforeForward(context);
    const logits = model.lm_head.forward(
      model.hiddenStates(tokenStream(tokens.toFloats(), undefined, { device: "cpu" })),
    );
    torch.mean(torch.square(logits)).backward();
    torch.noGrad(() => adapters.beforeClip(context));
    for (const name of [...file.header.entries.keys()].filter((key) => key.startsWith("start."))) {
      const own = ours(adapters, name.slice("start.".length), "value");
      const theirs = file.tensor(name);
      const isA = name.endsWith("lora_B.weight");
      const columns = (x: torch.Tensor) => (isA ? x : torch.transpose(x, 0, 1));
      expect(offDirection(columns(own), columns(theirs)), name).toBeLessThan(1e-3);
      const lengths = torch.linalgVectorNorm(columns(own), { dim: [0] }).toFloats();
      for (const length of lengths) expect(length).toBeCloseTo(32 ** 0.25 / 4, 5);
    }
  });
  adapters.dispose();
});
