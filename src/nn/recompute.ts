import { add_, detach, type Generator, noGrad, ScopeInParts, scope, type Tensor } from "../torch/index.ts";

/** A block of a network: hidden states `[T, hidden]` to hidden states. */
type Block = (hidden: Tensor) => Tensor;

/** A block of a forward pass that the backward pass runs again. */
interface RecordedBlock {
  readonly run: Block;
  readonly input: Tensor;
  /** Its output, which the next part of the network starts from as a leaf, so that it gets a gradient. */
  readonly output: Tensor;
  /** State of the dropout generator before the block. */
  readonly dropoutState: Tensor | undefined;
}

/**
 * A forward pass that keeps of each block only its input; its backward pass runs the blocks again, the last one first, each
 * followed by its own backward pass (activation recomputation, also called gradient checkpointing). Losses and gradients are
 * those of a plain pass, bit for bit. Models support it by `runBlocks` and `scopeOfPass`. Dispose of it after the backward pass.
 */
export class RecomputedPass implements Disposable {
  private readonly tensors = new ScopeInParts();
  private readonly blocks: RecordedBlock[] = [];
  private readonly shared: { readonly tensor: Tensor; readonly leaf: Tensor }[] = [];
  private readonly apart: { readonly parameter: Tensor; readonly gradient: Tensor | undefined }[] = [];
  private readonly dropout: Generator | undefined;

  /** @param dropout the generator that the model's own dropout uses; none without dropout */
  constructor(dropout?: Generator) {
    this.dropout = dropout;
  }

  /** Runs a part of the forward pass; the tensors that it makes live as long as this object. */
  run<T>(part: () => T extends PromiseLike<unknown> ? never : T): T {
    return this.tensors.run<T>(part);
  }

  /**
   * Runs a block and keeps nothing of it but its output. Within `run`.
   * @param input which is freed when neither this block nor one before it is part of the backward pass
   */
  runBlock(run: Block, input: Tensor): Tensor {
    const dropoutState = this.dropout?.state();
    const [output, isRecorded] = scope((): [Tensor, boolean] => {
      const result = run(input);
      return [detach(result), result.requiresGrad];
    });
    if (isRecorded) this.blocks.push({ run, input, output: output.setRequiresGrad(true), dropoutState });
    else {
      dropoutState?.dispose();
      input.dispose();
    }
    return output;
  }

  /** What several blocks are to use in the place of `tensor`, so that each of them has a backward pass of its own. Within `run`. */
  share(tensor: Tensor): Tensor {
    if (!tensor.requiresGrad) return tensor;
    const leaf = detach(tensor).setRequiresGrad(true);
    this.shared.push({ tensor, leaf });
    return leaf;
  }

  /**
   * Sums the gradients that several parts of this pass give a parameter before it adds them to those of earlier passes, as the
   * backward pass of one graph does.
   */
  sumApart(parameter: Tensor): void {
    if (!parameter.requiresGrad) return;
    const gradient = this.tensors.run(() => parameter.grad);
    this.apart.push({ parameter, gradient });
  }

  /** The backward pass of the whole network. @param loss a scalar, computed from the output of the last block */
  backward(loss: Tensor): void {
    scope(() => {
      const dropoutAfter = this.dropout?.state();
      for (const { parameter } of this.apart) parameter.setGrad(undefined);
      try {
        loss.backward();
        for (const block of this.blocks.toReversed()) scope(() => this.backwardOfBlock(block));
        for (const { tensor, leaf } of this.shared) backwardFrom(tensor, leaf.grad);
      } finally {
        for (const { parameter, gradient } of this.apart) addGradient(parameter, gradient);
        if (dropoutAfter) this.dropout?.setState(dropoutAfter);
      }
    });
  }

  private backwardOfBlock({ run, input, output, dropoutState }: RecordedBlock): void {
    const gradient = output.grad;
    output.dispose();
    if (dropoutState) this.dropout?.setState(dropoutState);
    backwardFrom(run(input), gradient);
  }

  [Symbol.dispose](): void {
    this.tensors[Symbol.dispose]();
  }
}

/** Backpropagates from a tensor, unless it got no gradient. */
function backwardFrom(tensor: Tensor, gradient: Tensor | undefined): void {
  if (gradient) tensor.backward(gradient);
}

/** Adds the gradient that a parameter now has to that of earlier passes, which it gets back. */
function addGradient(parameter: Tensor, earlier: Tensor | undefined): void {
  if (earlier === undefined) return;
  try {
    const { grad } = parameter;
    if (grad) noGrad(() => add_(earlier, grad));
  } finally {
    parameter.setGrad(earlier);
  }
}

/** The pass that a forward pass belongs to, if its blocks are run again in the backward pass. */
interface OfPass {
  readonly recompute?: RecomputedPass | undefined;
}

/** Runs a model's forward pass as far as it needs tensors that all blocks share: a `scope` for as long as the blocks need them. */
export function scopeOfPass({ recompute }: OfPass, body: () => Tensor): Tensor {
  return recompute ? recompute.run(body) : scope(body);
}

/** Runs blocks one after another, each on the output of the one before it, which is freed unless the backward pass needs it. */
export function runBlocks(blocks: readonly Block[], input: Tensor, { recompute }: OfPass): Tensor {
  let hidden = input;
  for (const run of blocks) {
    const next = recompute ? recompute.runBlock(run, hidden) : run(hidden);
    if (!recompute) hidden.dispose();
    hidden = next;
  }
  return hidden;
}

/** The backward pass of a loss, of a plain or a recomputed forward pass. */
export function backward(loss: Tensor, recompute: RecomputedPass | undefined): void {
  if (recompute) recompute.backward(loss);
  else loss.backward();
}
