import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type AdapterSet, attachFolder, LayerAdapters } from "../../src/adapters/index.js";
import { SafetensorsFile } from "../../src/hub/safetensors/index.js";
import { loadModel } from "../../src/models/index.js";
import { type CausalLM, tokenStream } from "../../src/nn/index.js";
import "../../src/testing/close-to.js";
import { copyGoldenLlama } from "../../src/testing/golden-llama.js";
import { temporaryFolder } from "../../src/testing/tiny-run.js";
import { tolerances } from "../../src/testing/tolerances.js";
import * as torch from "../../src/torch/index.js";

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

/** A layer's slice of the tensor that has a name of PEFT's. */
function ours(adapters: AdapterSet, name: string, of: "value" | "grad"): torch.Tensor {
  if (!(adapters instanceof LayerAdapters)) throw new Error("not adapters on layers");
  const end = Object.keys(stacks).find((suffix) => name.endsWith(suffix)) ?? expect.fail(name);
  const { bank, index } = adapters.find(name.slice(0, -end.length - 1));
  const [part, turned] = stacks[end];
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
    const logits = model.lm_head.forward(model.hiddenStates(tokenStream(expected("tokens"))));
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

test.each(["dora", "hira", "fourierft"])(
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
