import { basename } from "node:path";
import type { ModelWeights } from "../model-files/model-weights.ts";
import {
  allFinite,
  countNonFinite,
  type FrozenWeight,
  makeParameterSource,
  type Nf4Codebook,
  Nf4Weight,
  nf4Codebook,
  type ParameterKind,
  type ParameterSource,
  Q8Weight,
  type QuantisedWeight,
  q8BlockSize,
  ShardedNf4Weight,
  ShardedTensor,
  type WeightShards,
} from "../nn/index.ts";
import {
  clone,
  copyToHugePages,
  type DType,
  equal,
  ggufQuantize,
  noGrad,
  releaseFreeMemory,
  scope,
  type Tensor,
  toDevice,
  toDType,
} from "../torch/index.ts";
import { reportActivity } from "../util/activity.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatProblems, formatShape } from "../util/format.ts";
import { nearestName } from "../util/nearest-name.ts";

/** Dtype of a model's weights in memory; `auto` is that of the files (float16 becomes float32). */
export type LoadDType = "auto" | "float32" | "bfloat16";

/**
 * Quantisation of weights: none; 4-bit NF4 of the linear layers of blocks (docs/methods/qlora.md); or Q8_0 of these and of the
 * embedding and output layer, to compute with but not to train.
 */
export type Quantization = "none" | "nf4" | "q8_0";

/** Device, dtype and quantisation of a model's parameters. */
export interface WeightPlacement {
  readonly dtype: DType;
  readonly device: string;
  readonly quantization?: Quantization | undefined;
  /** As in `LoadOptions`. */
  readonly hugePages?: boolean | undefined;
  /** Shares weights of blocks and over the vocabulary out between ranks. */
  readonly shards?: WeightShards | undefined;
}

/** Weights of the blocks of any family; not of embeddings, output layers, poolers and heads. */
const blockWeightPattern = /(^|\.)layers?\.\d+\..*\.weight$/;
/** Weights of a decoder that go over its vocabulary. */
const vocabularyWeightPattern = /(^|\.)(embed_tokens|lm_head)\.weight$/;

/** How the tensors in files may differ from the model's parameters. */
export interface LoadRules {
  /** Another name in the files of a parameter that is not found under its own. */
  rename?: (name: string, has: (name: string) => boolean) => string | undefined;
  /** Initialises a parameter that the files may lack; undefined for one that they must hold. */
  initialize?: (name: string, shape: readonly number[], kind: ParameterKind) => Tensor | undefined;
}

/** Loads parameters from a folder's files and collects all mismatches, to report them at once. */
export class WeightLoader {
  private readonly weights: ModelWeights;
  private readonly where: string;
  private readonly place: WeightPlacement;
  private readonly rules: LoadRules;
  private readonly taken = new Map<string, { dispose(): void }>();
  private readonly total: number;
  private codebook: Nf4Codebook | undefined;
  private readonly missingKeys: string[] = [];
  private readonly mismatchedKeys: string[] = [];
  /** Descriptions of tensors with non-finite values, and their files. */
  private readonly nonFinite: string[] = [];
  private readonly nonFiniteFiles = new Set<string>();

  constructor(weights: ModelWeights, where: string, place: WeightPlacement, rules: LoadRules = {}) {
    this.rules = rules;
    this.weights = weights;
    this.total = [...weights.names()].length;
    this.where = where;
    this.place = place;
  }

  /**
   * Builds a model from the files. When it fails, everything that was loaded is freed.
   * @param ignored names of tensors in the files that the model need not use
   * @throws ScaloraError `model`, naming every missing, unexpected and mis-shaped tensor
   */
  load<M>(build: (source: ParameterSource) => M, ignored: RegExp): M {
    try {
      const model = build(
        makeParameterSource(
          (name, shape, kind) => this.take(name, shape, kind),
          (name, shape) => this.takeFrozen(name, shape),
        ),
      );
      this.check(ignored);
      return model;
    } catch (error) {
      for (const tensor of this.taken.values()) tensor.dispose();
      throw error;
    }
  }

  private take(name: string, shape: readonly number[], kind: ParameterKind): Tensor {
    const stored = this.storedName(name);
    if (stored === undefined) return this.freshOrMissing(name, shape, kind);
    this.reportProgress();
    if (!this.fits(stored, shape)) {
      const found = formatShape(this.weights.entry(stored).shape);
      this.mismatchedKeys.push(`${stored}: expected ${formatShape(shape)}, found ${found}`);
      return this.placeholder(stored);
    }
    const tensor = this.placed(stored).keep();
    this.checkFinite(stored, tensor);
    this.taken.set(stored, tensor);
    return tensor;
  }

  private reportProgress(): void {
    const what = `reading the weights of ${basename(this.where)}`;
    reportActivity({ what, done: this.taken.size, total: this.total });
  }

  private placed(stored: string): Tensor {
    const { dtype, device, hugePages = false } = this.place;
    const tensor = this.weights.tensor(stored);
    if (!hugePages || device !== "cpu") return this.copyIfFewAreMapped(convert(tensor, this.place));
    using source = tensor;
    return copyToHugePages(source, dtype);
  }

  /** A copy where most weights are not mapped: one mapped tensor would keep every page read of its file in memory. */
  private copyIfFewAreMapped(tensor: Tensor): Tensor {
    const { quantization = "none", shards } = this.place;
    if (quantization === "none" && !shards) return tensor;
    using mapped = tensor;
    return noGrad(() => clone(mapped));
  }

  /** Quantises, or takes a slice, weight by weight, so that peak memory is little more than that of what is kept. */
  private takeFrozen(name: string, shape: readonly number[]): FrozenWeight | undefined {
    const stored = this.storedName(name);
    if (stored === undefined || !this.fits(stored, shape)) return undefined;
    const weight = this.isQuantized(name, shape)
      ? this.makeQuantised(name, stored)
      : this.takeSlice(name, stored, shape);
    if (weight === undefined) return undefined;
    releaseFreeMemory();
    this.taken.set(stored, weight);
    this.reportProgress();
    return weight;
  }

  private makeQuantised(name: string, stored: string): QuantisedWeight {
    if (this.place.quantization === "q8_0") return this.makeQ8(stored);
    const whole = this.makeNf4(stored);
    const { shards } = this.place;
    return shards?.isWorthwhile(whole.shape) ? new ShardedNf4Weight(shards, name, whole) : whole;
  }

  private takeSlice(name: string, stored: string, shape: readonly number[]): ShardedTensor | undefined {
    const { shards } = this.place;
    const isShared = blockWeightPattern.test(name) || vocabularyWeightPattern.test(name);
    const [rows, columns, ...more] = shape;
    if (!shards?.isWorthwhile(shape) || !isShared || rows === undefined || columns === undefined)
      return undefined;
    if (more.length > 0) return undefined;
    using whole = this.weights.tensorAlone(stored);
    this.checkFinite(stored, whole);
    return new ShardedTensor(shards, name, shards.sliceOf(whole, this.place), [rows, columns]);
  }

  private isQuantized(name: string, shape: readonly number[]): boolean {
    switch (this.place.quantization) {
      case "nf4":
        return blockWeightPattern.test(name);
      case "q8_0":
        return (
          (blockWeightPattern.test(name) || vocabularyWeightPattern.test(name)) &&
          elementAt(shape, shape.length - 1) % q8BlockSize === 0
        );
      default:
        return false;
    }
  }

  private makeNf4(stored: string): Nf4Weight {
    this.codebook ??= nf4Codebook(this.place.device);
    using dense = convert(this.weights.tensorAlone(stored), this.place);
    this.checkFinite(stored, dense);
    return new Nf4Weight(dense, this.codebook);
  }

  /** The file's own blocks where it has them. */
  private makeQ8(stored: string): Q8Weight {
    if (this.place.device !== "cpu")
      throw new ScaloraError("config", "Weights in Q8_0 compute on the CPU only", {
        where: "quantization",
        found: `q8_0 on ${this.place.device}`,
        fix: "use device: cpu (--device cpu), or another quantisation",
      });
    return scope(() => {
      const blocks = this.weights.q8Blocks(stored);
      if (blocks !== undefined) return this.checkScales(stored, new Q8Weight(blocks, this.place.dtype));
      const dense = this.weights.tensor(stored);
      this.checkFinite(stored, dense);
      return this.checkScales(stored, new Q8Weight(ggufQuantize(dense, "Q8_0"), this.place.dtype));
    });
  }

  /** The scales of a damaged file can be infinite, and so can those of weights of millions, which float16 does not hold. */
  private checkScales(stored: string, weight: Q8Weight): Q8Weight {
    this.checkFinite(stored, weight.scales);
    return weight;
  }

  private checkFinite(stored: string, tensor: Tensor): void {
    if (allFinite(tensor)) return;
    this.nonFinite.push(`${stored} (${countNonFinite(tensor)} of ${tensor.numel} numbers)`);
    this.nonFiniteFiles.add(this.weights.fileOf(stored));
  }

  private storedName(name: string): string | undefined {
    const has = (stored: string) => this.weights.has(stored);
    return has(name) ? name : this.rules.rename?.(name, has);
  }

  private fits(stored: string, shape: readonly number[]): boolean {
    const { shape: found } = this.weights.entry(stored);
    return found.length === shape.length && found.every((extent, i) => extent === shape[i]);
  }

  private freshOrMissing(name: string, shape: readonly number[], kind: ParameterKind): Tensor {
    const made = this.rules.initialize?.(name, shape, kind);
    if (made === undefined) {
      this.missingKeys.push(name);
      return this.placeholder(name);
    }
    const tensor = convert(made, this.place).keep();
    this.taken.set(name, tensor);
    return tensor;
  }

  /** Any tensor, so that building continues and all problems are found; the model is never used. */
  private placeholder(name: string): Tensor {
    const [any] = this.weights.names();
    if (any === undefined)
      throw new ScaloraError("model", "The model's files hold no tensors", { where: this.where });
    const tensor = this.weights.tensor(any).keep();
    this.taken.set(name, tensor);
    return tensor;
  }

  private check(ignored: RegExp): void {
    const wanted = new Set(this.taken.keys());
    const unexpected = [...this.weights.names()].filter((name) => !wanted.has(name) && !ignored.test(name));
    const problems = [
      ...this.missingKeys.map((name) => `missing ${name}${suggestion(name, unexpected)}`),
      ...this.mismatchedKeys.map((problem) => `mis-shaped ${problem}`),
      ...unexpected.map((name) => `unexpected ${name}${suggestion(name, this.missingKeys)}`),
    ];
    if (problems.length > 0)
      throw new ScaloraError("model", "The weights do not match config.json", {
        where: this.where,
        found: formatProblems(problems, maxProblems),
      });
    if (this.nonFinite.length > 0)
      throw new ScaloraError("model", "Weights of the model are not finite (NaN or infinite)", {
        where: [...this.nonFiniteFiles].join(", "),
        found: formatProblems(this.nonFinite, maxProblems),
        fix: "fetch the files again, or use another model",
      });
  }
}

function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearestName(name, candidates);
  return near === undefined ? "" : ` (nearest: ${near})`;
}

/** Problems that an error names. */
const maxProblems = 12;

/** Converts dtype and device; returns the tensor itself where nothing changes, so that mapped weights stay mapped. */
function convert(tensor: Tensor, { dtype, device }: WeightPlacement): Tensor {
  if (tensor.dtype === dtype && device === "cpu") return tensor;
  try {
    return device === "cpu" ? toDType(tensor, dtype) : toDevice(tensor, device, dtype);
  } finally {
    tensor.dispose();
  }
}

/** Whether two tensors of the files have equal values. */
export function storedTensorsEqual(weights: ModelWeights, a: string, b: string): boolean {
  const [first, second] = [weights.entry(a), weights.entry(b)];
  if (first.dtype !== second.dtype || formatShape(first.shape) !== formatShape(second.shape)) return false;
  using x = weights.tensor(a);
  using y = weights.tensor(b);
  return equal(x, y);
}

/** The widest floating dtype in the files; float16 counts as float32, which represents it exactly. */
export function storedDType(weights: ModelWeights): DType {
  const stored = new Set([...weights.names()].map((name) => weights.entry(name).dtype));
  return stored.has("BF16") && !stored.has("F32") && !stored.has("F16") ? "bfloat16" : "float32";
}
