import type { z } from "zod";
import type { Module } from "../../nn/index.ts";
import { Generator } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { groupIntoBanks, type NamedLinear } from "../core/bank.ts";
import { adapterSet, fixedPasses, type LayerAdapters } from "../core/layer-adapters.ts";
import type { AdapterPlan } from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { resolveModulesToSave } from "../core/modules-to-save.ts";
import { findLayers } from "../core/targets.ts";
import { requireNumber } from "../peft/adapter-config.ts";
import { checkShape, lengthOf, seedOf } from "../peft/check-peft-layer.ts";
import { loadPeftWeights, readPlan } from "../peft/load-adapter.ts";
import type { PeftFormat } from "../peft/peft-format.ts";
import { folderTensors, fullyTrainedModulesOf, withPattern, writePeft } from "../peft/save-adapter.ts";
import type { fourierSchema } from "./options.ts";
import { SpectrumBank, type SpectrumShape } from "./spectrum-bank.ts";

type FourierOptions = z.output<typeof fourierSchema>;

type SpectrumTarget = NamedLinear & SpectrumShape;

/** PEFT's default. */
const defaultPlaceSeed = 777;

const spectrumName = ".fourierft_spectrum";

/** PEFT's FourierFT folders. */
const fourierFormat: PeftFormat<SpectrumBank, SpectrumTarget> = {
  supported: { peft_type: ["FOURIERFT"] },
  suffixes: [spectrumName],
  target: (found) => {
    const { folder, path, linear, config } = found;
    const frequencies = lengthOf(found, spectrumName);
    checkShape(found, spectrumName, [frequencies]);
    const scaling = requireNumber(folder, "scaling", config["scaling"]);
    const placeSeed = seedOf(folder, "random_loc_seed", config["random_loc_seed"]);
    return target({ path, linear }, { frequencies, scaling, placeSeed });
  },
  parts: ({ spectrum }) => [{ stack: spectrum, transposed: false }],
};

/** Writes the coefficients and saved modules as a PEFT FourierFT folder. */
function writeFourier(folder: string, adapters: LayerAdapters<SpectrumBank>, baseModel: string): void {
  const layers = adapters.banks.flatMap(({ layers, shape }) =>
    layers.map(({ path }) => ({ path, ...shape })),
  );
  const { common, pattern } = withPattern(layers.map(({ path, frequencies }) => [path, frequencies]));
  const { scaling, placeSeed } = elementAt(layers, 0);
  const config = {
    peft_type: "FOURIERFT",
    n_frequency: common,
    n_frequency_pattern: pattern,
    scaling,
    random_loc_seed: placeSeed,
    target_modules: layers.map(({ path }) => path),
    bias: "none",
    fan_in_fan_out: false,
    init_weights: false,
  };
  const tensors = folderTensors(adapters, fourierFormat);
  writePeft(folder, tensors, config, baseModel, fullyTrainedModulesOf(adapters));
}

/**
 * FourierFT (arXiv 2405.03003): the change of a weight is the real part of the inverse Fourier transform of a matrix that
 * is 0 but at k random places, the same ones in every layer of a shape. The coefficients start at random, so that the
 * adapted model does not start as the base model.
 */
export function attachFourier(
  model: Module,
  options: FourierOptions,
  { seed }: AttachContext,
): LayerAdapters<SpectrumBank> {
  const { from } = options;
  const plan = from === undefined ? planOf(model, options) : readPlan(from, model, fourierFormat);
  const { modulesToSave } = plan;
  const banks = makeBanks(plan.targets);
  const adapters = adapterSet({
    method: "fourierft",
    model,
    banks,
    modulesToSave,
    hooks: fixedPasses,
    saveAdapter: writeFourier,
  });
  disposeOnError([adapters], () => {
    if (from !== undefined) return loadPeftWeights(from, adapters, fourierFormat);
    using generator = new Generator(seed, elementAt(banks, 0).spectrum.value.device);
    for (const bank of banks) bank.draw(generator);
  });
  return adapters;
}

function planOf(model: Module, options: FourierOptions): AdapterPlan<SpectrumTarget> {
  const { frequencies, scaling } = options;
  const modulesToSave = resolveModulesToSave(model, options.modulesToSave);
  const shape = { frequencies, scaling, placeSeed: defaultPlaceSeed };
  return {
    targets: findLayers(model, options, modulesToSave).map((layer) => target(layer, shape)),
    modulesToSave,
  };
}

function target(layer: NamedLinear, shape: Omit<SpectrumShape, "m" | "n">): SpectrumTarget {
  const [m, n] = layer.linear.weight.shape;
  if (shape.frequencies <= m * n) return { ...layer, ...shape, m, n };
  throw new ScaloraError("config", "A layer has fewer numbers than frequencies are to be trained", {
    where: layer.path,
    expected: `at most ${m * n}, for a weight of shape [${m}, ${n}]`,
    found: String(shape.frequencies),
    fix: "lower adapter.frequencies, or leave the layer out (adapter.exclude)",
  });
}

const makeBanks = (targets: readonly SpectrumTarget[]): SpectrumBank[] =>
  groupIntoBanks(
    targets,
    ({ frequencies }) => `k${frequencies}`,
    (name, layers) => {
      const [{ path: _, linear: __, ...shape }] = layers;
      return new SpectrumBank(name, shape, layers);
    },
  );
