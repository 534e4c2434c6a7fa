import {
  bidirectionalAttention,
  dropout,
  Linear,
  Module,
  type ParameterSource,
  type SequenceGroup,
} from "../../nn/index.ts";
import {
  add,
  expand,
  gather,
  matmul,
  mulScalar,
  narrow,
  permute,
  reshape,
  type Tensor,
  transpose,
  unsqueeze,
} from "../../torch/index.ts";
import { mapTuple } from "../../util/elements.ts";
import { internalError } from "../../util/errors.ts";
import type { EncoderContext, SelfAttention } from "../encoder/bert-encoder.ts";
import type { DebertaConfig } from "./config.ts";
import type { RelativePositions } from "./relative-positions.ts";

/** Values that all layers of one forward pass share. */
export interface DebertaContext extends EncoderContext {
  /** Undefined without relative attention. */
  relative: { positions: RelativePositions; embeddings: Tensor } | undefined;
}

/**
 * Disentangled attention (arXiv 2006.03654): content-to-content, content-to-position and position-to-content scores, scaled
 * by 1/√(d · number of kinds).
 */
export class DisentangledSelfAttention extends Module implements SelfAttention<DebertaContext> {
  readonly query_proj: Linear;
  readonly key_proj: Linear;
  readonly value_proj: Linear;
  readonly pos_key_proj: Linear | undefined;
  readonly pos_query_proj: Linear | undefined;
  private readonly config: DebertaConfig;

  constructor(source: ParameterSource, config: DebertaConfig) {
    super();
    const { hiddenSize, heads, headDim, sharedProjections, relativePositions } = config;
    const linear = (name: string) =>
      Linear.fromSource(source.withPrefix(name), hiddenSize, heads * headDim, true);
    this.config = config;
    this.query_proj = linear("query_proj");
    this.key_proj = linear("key_proj");
    this.value_proj = linear("value_proj");
    const own = relativePositions && !sharedProjections;
    this.pos_key_proj = own && config.contentToPosition ? linear("pos_key_proj") : undefined;
    this.pos_query_proj = own && config.positionToContent ? linear("pos_query_proj") : undefined;
  }

  forward(x: Tensor, { stream, relative }: DebertaContext): Tensor {
    const { headDim, contentToPosition, positionToContent, attentionDropout } = this.config;
    const kinds = 1 + Number(contentToPosition) + Number(positionToContent);
    const scale = (headDim * kinds) ** -0.5;
    const [queries, keys, values] = mapTuple([this.query_proj, this.key_proj, this.value_proj], (linear) =>
      this.split(linear.forward(x)),
    );
    const bias = relative && this.positionScores({ queries, keys }, relative, scale, stream.dropout);
    const drop = { rate: attentionDropout, generator: stream.dropout };
    return bidirectionalAttention({ queries, keys, values }, stream, scale, drop, bias);
  }

  /** `[rows, heads, headDim]` */
  private split(projected: Tensor): Tensor {
    return reshape(projected, [projected.size(0), -1, this.config.headDim]);
  }

  /** The position scores, by segment; undefined when the config has none. */
  private positionScores(
    content: { queries: Tensor; keys: Tensor },
    { positions, embeddings }: NonNullable<DebertaContext["relative"]>,
    scale: number,
    generator: EncoderContext["stream"]["dropout"],
  ): ((segment: SequenceGroup) => Tensor) | undefined {
    const { contentToPosition, positionToContent, hiddenDropout } = this.config;
    if (!contentToPosition && !positionToContent) return undefined;
    // A view, so that autograd first sums what this layer's two products give the table, whatever other layers give it.
    const table = reshape(dropout(embeddings, hiddenDropout, generator), embeddings.shape);
    // [heads, headDim, table rows], scaled here: the table is smaller than the scores.
    const project = (linear: Linear) =>
      mulScalar(permute(this.split(linear.forward(table)), [1, 2, 0]), scale);
    const keyTable = contentToPosition ? project(this.pos_key_proj ?? this.key_proj) : undefined;
    const queryTable = positionToContent ? project(this.pos_query_proj ?? this.query_proj) : undefined;
    return (segment) => {
      const rows = positions.rows.get(segment.length);
      if (rows === undefined) throw internalError(`no positions of ${segment.length} tokens`);
      const toPosition = keyTable && gatherPositionScores(content.queries, keyTable, segment, rows);
      const fromPosition =
        queryTable &&
        transpose(gatherPositionScores(content.keys, queryTable, segment, transpose(rows, 0, 1)), 2, 3);
      return sumOf(toPosition, fromPosition);
    };
  }
}

/**
 * Products of each token's content with the table rows of its relative positions to all tokens.
 * @param content `[T, heads, headDim]`
 * @param rows int64 `[length, length]`
 * @returns `[count, heads, length, length]`
 */
function gatherPositionScores(
  content: Tensor,
  table: Tensor,
  { start, count, length }: SequenceGroup,
  rows: Tensor,
): Tensor {
  const [, heads, width] = content.sizes(3);
  const own = reshape(narrow(content, 0, start, count * length), [count, length, heads, width]);
  const scores = matmul(transpose(own, 1, 2), table);
  return gather(scores, 3, expand(unsqueeze(rows, 0), [count, heads, length, length]));
}

function sumOf(a: Tensor | undefined, b: Tensor | undefined): Tensor {
  if (a !== undefined && b !== undefined) return add(a, b);
  const only = a ?? b;
  if (only === undefined) throw internalError("no kind of position scores is on");
  return only;
}
