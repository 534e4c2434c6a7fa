import {
  argmax,
  cumsum,
  divScalar,
  fill_,
  type Generator,
  leScalar,
  ltScalar,
  maskedFill,
  multinomial,
  narrow,
  scatter_,
  softmax,
  sort,
  type Tensor,
  toDType,
  topk,
  zerosLike,
} from "../torch/index.ts";

/** Sampling settings. Temperature 0 chooses the likeliest token. */
export interface Sampling {
  readonly temperature: number;
  /** Top-k: only the k likeliest tokens can be chosen. */
  readonly topK?: number | undefined;
  /** Top-p: only the likeliest tokens whose probabilities add up to this can be chosen; in (0, 1]. */
  readonly topP?: number | undefined;
}

/** Below it a quotient could leave float32, and the likeliest token has all of the probability anyway. */
const leastTemperature = 1e-30;

/**
 * Chooses the next token. Filters come in transformers' order (temperature, then k, then p), over the whole vocabulary
 * in its order, so that equal logits and an equal generator give the token that transformers samples.
 * @param logits `[1, vocabulary]`
 * @returns int64 `[1, 1]`
 */
export function sampleToken(logits: Tensor, sampling: Sampling, generator: Generator): Tensor {
  const { temperature, topK, topP } = sampling;
  if (temperature < leastTemperature) return argmax(logits, { dim: 1, keepdim: true });
  const scores = toDType(logits, "float32");
  const scaled = temperature === 1 ? scores : divScalar(scores, temperature);
  const among = topK === undefined ? scaled : keepTopK(scaled, topK);
  const kept = topP === undefined || topP >= 1 ? among : keepTopP(among, topP);
  return multinomial(softmax(kept, 1), 1, { generator });
}

const minusInfinity = Number.NEGATIVE_INFINITY;

/** Removes all but the k likeliest tokens; ties with the k-th stay. */
function keepTopK(scores: Tensor, k: number): Tensor {
  const count = Math.min(k, scores.size(1));
  const [likeliest] = topk(scores, count, { dim: 1 });
  const least = narrow(likeliest, 1, count - 1, 1).item();
  return maskedFill(scores, ltScalar(scores, least), minusInfinity);
}

/** Removes tokens beyond the cumulative probability p; the token that crosses it stays, so there is always one. */
function keepTopP(scores: Tensor, p: number): Tensor {
  const [ascending, order] = sort(scores, { dim: 1 });
  const improbable = leScalar(cumsum(softmax(ascending, 1), 1), 1 - p);
  fill_(narrow(improbable, 1, scores.size(1) - 1, 1), 0);
  return maskedFill(scores, scatter_(zerosLike(improbable), 1, order, improbable), minusInfinity);
}
