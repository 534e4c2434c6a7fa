import { expect, test } from "vitest";
import { loadModel } from "../models/index.ts";
import { type CausalLM, tokenStream } from "../nn/index.ts";
import { copyGoldenLlama } from "../testing/golden-llama.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { Random } from "../util/random.ts";
import { type Continuation, type LikelihoodRequest, logLikelihoods } from "./log-likelihood.ts";

const scratch = temporaryFolder();
const signal = new AbortController().signal;

/** Requests with shared and own prefixes, and continuations of one token and more. */
function randomRequests(count: number): LikelihoodRequest[] {
  const random = new Random(6);
  const tokens = (longest: number) =>
    Array.from({ length: 1 + random.integerBelow(longest) }, () => random.integerBelow(80));
  return Array.from({ length: count }, (_, i) => {
    const shared = tokens(20);
    const continuations = Array.from({ length: 2 + random.integerBelow(3) }, () => ({
      prefix: i % 3 === 2 ? tokens(12) : shared,
      tokens: tokens(i % 2 === 0 ? 1 : 5),
    }));
    return { name: `rows.jsonl:${i + 1}`, continuations };
  });
}

/** By its definition: the whole sequence in one pass of its own. */
function plain(model: CausalLM, { prefix, tokens }: Continuation): number {
  return torch.scope(() => {
    const whole = [...prefix, ...tokens];
    const logits = model.lm_head.forward(
      model.hiddenStates(tokenStream(whole, undefined, { device: "cpu" })),
    );
    const logs = torch.logSoftmax(logits, 1).toFloats();
    const width = model.info.vocabSize;
    return tokens.reduce(
      (sum, token, i) => sum + elementAt(logs, (prefix.length - 1 + i) * width + token),
      0,
    );
  });
}

async function score(model: CausalLM, requests: readonly LikelihoodRequest[], passTokens: number) {
  const result: (readonly number[])[] = [];
  for await (const { index, values } of logLikelihoods(model, requests, { passTokens, signal }))
    result[index] = values;
  return result;
}

test.each([1, 64, 4096])(
  "log-likelihoods in passes of %d tokens are those of each sequence alone",
  async (tokens) => {
    using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
    const requests = randomRequests(13);
    plain(model, elementAt(elementAt(requests, 0).continuations, 0));
    const before = torch.liveTensorCount();
    const scores = await score(model, requests, tokens);
    expect(torch.liveTensorCount()).toBe(before);
    for (const [i, { continuations }] of requests.entries())
      for (const [k, one] of continuations.entries())
        expect(Math.abs(elementAt(elementAt(scores, i), k) - plain(model, one))).toBeLessThan(2e-5);
  },
);

test.each([
  [[], [1], "0 and 1 tokens"],
  [[1], [], "1 and 0 tokens"],
  [Array(60).fill(1), Array(6).fill(2), "60 and 6 tokens"],
])("a prefix or continuation that cannot be scored is refused: %#", async (prefix, tokens, found) => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  const bad = { name: "rows.jsonl:4", continuations: [{ prefix, tokens }] };
  const refused = refusal("usage", { where: /^rows\.jsonl:4$/, expected: "65", found });
  await expect(score(model, [...randomRequests(2), bad], 64)).rejects.toThrow(refused);
  await expect(score(model, [bad], 64)).rejects.toThrow(refused);
});

test("scores that are not numbers name the request, and an abort ends it", async () => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "untied"));
  const stopping = new AbortController();
  const stopped = logLikelihoods(model, randomRequests(9), { passTokens: 1, signal: stopping.signal });
  await stopped.next();
  stopping.abort(new Error("enough"));
  await expect(stopped.next()).rejects.toThrow("enough");
  const requests = [7, 9, 11].map((token) => ({
    name: `rows.jsonl:${token}`,
    continuations: [{ prefix: [token], tokens: [1, 2] }],
  }));
  const embedding = new Map(model.namedParameters()).get("model.embed_tokens.weight");
  if (embedding === undefined) throw new Error("the model has an embedding");
  torch.noGrad(() => torch.scope(() => void torch.fill_(torch.narrow(embedding, 0, 9, 1), Number.NaN)));
  await expect(score(model, requests, 4096)).rejects.toThrow(
    refusal("run", { where: /^rows\.jsonl:9$/, found: "NaN" }),
  );
});
