import { setImmediate } from "node:timers/promises";
import { type CausalLM, deviceOf, type KeyValueCache, sequenceOffsets, tokenStream } from "../nn/index.ts";
import * as torch from "../torch/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";

/** Context (prefix) and continuation, in tokens, neither empty. */
export interface Continuation {
  readonly prefix: readonly number[];
  readonly tokens: readonly number[];
}

/** A context with the continuations to score. */
export interface LikelihoodRequest {
  /** Name of the request in errors. */
  readonly name: string;
  /** Equal prefixes are computed once. Prefix and tokens together must fit into the model's context. */
  readonly continuations: readonly Continuation[];
}

/** Options of `logLikelihoods`. */
export interface LikelihoodOptions {
  /** Approximate prefix tokens per pass (a request is never split). */
  readonly passTokens: number;
  readonly signal: AbortSignal;
}

/** Log-likelihoods of the continuations of one request. */
export interface Likelihoods {
  /** Index of the request, from 0. */
  readonly index: number;
  /** Log-probability of each continuation after its prefix, in nats, summed over its tokens. */
  readonly values: readonly number[];
}

/** Rows of logits over the vocabulary that are computed at once. */
const rowsAtOnce = 256;

/**
 * Log-likelihoods of continuations, with many requests per batch: one pass over all prefixes, one over all continuations.
 * @throws ScaloraError naming the request: `usage` when a prefix or continuation is empty, or both are longer than the model's
 * context, `run` when a log-likelihood is not finite; the signal's reason when it is aborted
 */
export async function* logLikelihoods(
  model: CausalLM,
  requests: readonly LikelihoodRequest[],
  { passTokens, signal }: LikelihoodOptions,
): AsyncGenerator<Likelihoods> {
  for (const request of requests) checkRequest(request, model);
  let batch: number[] = [];
  let room = passTokens;
  for (const [index, request] of requests.entries()) {
    const size = groupByPrefix(request).reduce((sum, { prefix }) => sum + prefix.length, 0);
    if (batch.length > 0 && size > room) {
      yield* scoreBatch(batch);
      [batch, room] = [[], passTokens];
    }
    batch.push(index);
    room -= size;
  }
  if (batch.length > 0) yield* scoreBatch(batch);

  async function* scoreBatch(indices: readonly number[]): AsyncGenerator<Likelihoods> {
    await setImmediate();
    signal.throwIfAborted();
    const some = indices.map((index) => elementAt(requests, index));
    for (const [index, values] of zip(indices, scoreRequests(model, some))) yield { index, values };
  }
}

function checkRequest(
  { name, continuations }: LikelihoodRequest,
  { info: { maxPositions } }: CausalLM,
): void {
  for (const { prefix, tokens } of continuations) {
    // The last token is only predicted.
    const isWithin = prefix.length + tokens.length - 1 <= maxPositions;
    if (prefix.length > 0 && tokens.length > 0 && isWithin) continue;
    throw new ScaloraError("usage", "A log-likelihood needs a context and a continuation", {
      where: name,
      expected: `at least one token each, together at most ${maxPositions + 1}`,
      found: `${prefix.length} and ${tokens.length} tokens`,
    });
  }
}

/** Continuations of one prefix, and their indices in the request. */
interface PrefixGroup {
  readonly prefix: readonly number[];
  readonly continuations: { readonly place: number; readonly tokens: readonly number[] }[];
}

function groupByPrefix({ continuations }: LikelihoodRequest): PrefixGroup[] {
  const groups = new Map<string, PrefixGroup>();
  for (const [place, { prefix, tokens }] of continuations.entries()) {
    const key = prefix.join();
    const group = groups.get(key) ?? { prefix, continuations: [] };
    group.continuations.push({ place, tokens });
    groups.set(key, group);
  }
  return [...groups.values()];
}

function scoreRequests(model: CausalLM, requests: readonly LikelihoodRequest[]): number[][] {
  const groups = requests.map(groupByPrefix);
  const scores = requests.map(({ continuations }) => continuations.map(() => 0));
  const flat = groups.flatMap((list, request) =>
    list.map((group) => ({ request, ...group, cache: model.newCache() })),
  );
  const caches = flat.map(({ cache }) => cache);
  try {
    torch.noGrad(() =>
      torch.scope(() => {
        const prefixes = flat.map(({ prefix, cache }) => ({ tokens: prefix, cache }));
        const { hidden, offsets } = pass(model, prefixes);
        const first = flat.flatMap(({ request, continuations }, i) =>
          continuations.map(({ place, tokens }) => ({
            request,
            place,
            row: elementAt(offsets, i + 1) - 1,
            token: elementAt(tokens, 0),
          })),
        );
        addLogProbabilities(model, hidden, first, scores);
        const rest = flat.flatMap(({ request, continuations, cache }) =>
          continuations
            .filter(({ tokens }) => tokens.length > 1)
            .map(({ place, tokens }, k) => ({ request, place, tokens, cache, isFirst: k === 0 })),
        );
        if (rest.length > 0) addRestLogProbabilities(model, rest, caches, scores);
      }),
    );
  } finally {
    for (const cache of caches) cache.dispose();
  }
  checkLogLikelihoods(scores, requests);
  return scores;
}

interface ContinuationRest {
  readonly request: number;
  readonly place: number;
  readonly tokens: readonly number[];
  readonly cache: KeyValueCache;
  /** Whether it is the first continuation of its prefix, which takes the cache; the others get copies. */
  readonly isFirst: boolean;
}

/** Adds the log-probabilities of all tokens but the first. @param caches receives the copies, for the caller to dispose of */
function addRestLogProbabilities(
  model: CausalLM,
  ways: readonly ContinuationRest[],
  caches: KeyValueCache[],
  scores: number[][],
): void {
  const forked = ways.map(({ cache, isFirst }) => {
    if (isFirst) return cache;
    const copy = cache.fork();
    caches.push(copy);
    return copy;
  });
  const { hidden, offsets } = pass(
    model,
    zip(ways, forked).map(([{ tokens }, cache]) => ({ tokens: tokens.slice(0, -1), cache })),
  );
  const targets = ways.flatMap(({ request, place, tokens }, i) =>
    tokens.slice(1).map((token, k) => ({ request, place, row: elementAt(offsets, i) + k, token })),
  );
  addLogProbabilities(model, hidden, targets, scores);
}

function pass(
  model: CausalLM,
  sequences: readonly { readonly tokens: readonly number[]; readonly cache: KeyValueCache }[],
): { hidden: torch.Tensor; offsets: readonly number[] } {
  const device = deviceOf(model);
  const offsets = sequenceOffsets(sequences.map(({ tokens }) => tokens.length));
  const caches = sequences.map(({ cache }) => cache);
  const tokens = sequences.flatMap((sequence) => sequence.tokens);
  return { hidden: model.hiddenStates(tokenStream(tokens, offsets, { caches, device })), offsets };
}

interface Target {
  readonly request: number;
  readonly place: number;
  /** Row of the hidden states from which the token is predicted. */
  readonly row: number;
  readonly token: number;
}

function addLogProbabilities(
  model: CausalLM,
  hidden: torch.Tensor,
  targets: readonly Target[],
  scores: number[][],
): void {
  for (let start = 0; start < targets.length; start += rowsAtOnce) {
    const some = targets.slice(start, start + rowsAtOnce);
    const values = torch.scope(() => {
      const place = (ids: number[]) => torch.indices(ids, { device: hidden.device });
      const rows = torch.indexSelect(hidden, 0, place(some.map(({ row }) => row)));
      const logs = torch.logSoftmax(torch.toDType(model.lm_head.forward(rows), "float32"), 1);
      const tokens = torch.unsqueeze(place(some.map(({ token }) => token)), 1);
      return torch.gather(logs, 1, tokens).toFloats();
    });
    for (const [{ request, place }, value] of zip(some, values)) {
      const ofRequest = elementAt(scores, request);
      ofRequest[place] = elementAt(ofRequest, place) + value;
    }
  }
}

function checkLogLikelihoods(
  scores: readonly (readonly number[])[],
  requests: readonly LikelihoodRequest[],
): void {
  const bad = scores.findIndex((values) => !values.every(Number.isFinite));
  if (bad < 0) return;
  throw new ScaloraError("run", "The model's logits are not finite", {
    where: elementAt(requests, bad).name,
    found: String(elementAt(scores, bad).find((value) => !Number.isFinite(value))),
    fix: "use a checkpoint from before training diverged, or a wider dtype",
  });
}
