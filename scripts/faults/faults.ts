// The faults that `npm run faults` plants, one at a time, and the test that each must turn red.

export interface NamedTest {
  file: string;
  /** How the test's name begins. */
  name: string;
}

export interface Fault {
  name: string;
  file: string;
  /** Occurs once in the file. */
  from: string;
  to: string;
  test: NamedTest;
}

const event = "src/adapters/scalora/event.ts";
const eventTest = "src/adapters/scalora/event.test.ts";
const compensated = "src/adapters/non-zero-init/non-zero-init-bank.ts";
const golden = {
  file: "src/adapters/scalora/golden.test.ts",
  name: "01_column_all_nonneg.json, policy default",
};
const parity = "src/models/llama/parity.test.ts";
const decoders = "src/models/decoder/parity.test.ts";
const attention = {
  file: "src/nn/attention.test.ts",
  name: "attention is causal and stays within each sequence (float64)",
};
const methods = "src/adapters/adapters.test.ts";
const matrix = "src/adapters/contract-matrix.test.ts";
const boardServer = "src/board/board-server.test.ts";
const resume = "src/train/resume.test.ts";
const step = "src/train/step.test.ts";

export const faults: Fault[] = [
  {
    name: "uncrossed moments",
    file: event,
    from: "[moments.A, beta],\n    [moments.B, alpha],",
    to: "[moments.A, alpha],\n    [moments.B, beta],",
    test: { file: eventTest, name: "transferred moments are those of an adapter" },
  },
  {
    name: "second moments scaled like first ones",
    file: event,
    from: "mul_(expAvgSq, square(factor))",
    to: "mul_(expAvgSq, factor)",
    test: { file: eventTest, name: "transferred moments are those of an adapter" },
  },
  {
    name: "uncrossed gradients",
    file: event,
    from: "mul_(bank.gradA, beta);\n  mul_(bank.gradB, alpha);",
    to: "mul_(bank.gradA, alpha);\n  mul_(bank.gradB, beta);",
    test: golden,
  },
  {
    name: "s missing in the merge",
    file: event,
    from: "scale * (1 - roundAlpha * roundBeta)",
    to: "1 - roundAlpha * roundBeta",
    test: golden,
  },
  {
    name: "wrong merge sign",
    file: event,
    from: "scale * (1 - roundAlpha * roundBeta)",
    to: "scale * (roundAlpha * roundBeta - 1)",
    test: golden,
  },
  {
    name: "ridge 0",
    file: "src/adapters/scalora/solve/policies.ts",
    from: "const ridge = 1e-3;",
    to: "const ridge = 0;",
    test: golden,
  },
  {
    name: "preserve factor missing",
    file: event,
    from: "isOwnNorm(scale) ? keepNorm(solved, grams, keptNormFraction(scale, pace)) : solved",
    to: "solved",
    test: { file: eventTest, name: "preserve keeps the norm of each layer's factors" },
  },
  {
    name: "a horizon that forgets nothing",
    file: "src/adapters/scalora/column-norm.ts",
    from: "Math.exp(-elapsed / scale.horizon)",
    to: "1",
    test: { file: eventTest, name: "horizon lets the norm of each layer's factors decay" },
  },
  {
    name: "gradients of another adapter accepted",
    file: event,
    from: "if (mismatch <= tolerance) return;",
    to: "if (mismatch <= 1000 * tolerance) return;",
    test: { file: eventTest, name: "gradients that are not those of the adapter" },
  },
  {
    name: "an event one step late",
    file: "src/adapters/scalora/attach-scalora.ts",
    from: "(step - first) % this.stepsBetween === 0",
    to: "(step - first) % this.stepsBetween === 1 % this.stepsBetween",
    test: { file: methods, name: "events: the first after warm-up" },
  },
  {
    name: "split rounding to nearest even",
    file: "src/adapters/core/base-store.ts",
    from: "rightShiftScalar(addScalar(bits, 0x8000), 16)",
    to: "rightShiftScalar(add(addScalar(bits, 0x7fff), bitwiseAndScalar(rightShiftScalar(bits, 16), 1)), 16)",
    test: { file: "src/adapters/core/base-store.test.ts", name: "a split weight rejoins bit for bit" },
  },
  {
    name: "clipping before the event",
    file: "src/train/step.ts",
    from: `    return {
      ...finite,
`,
    to: `    if (parts.clip > 0) clipGradients(adapters.trainables(), globalNorm(finite.norms), parts.clip);
    return {
      ...finite,
`,
    test: { file: step, name: "hooks see their step in order: before the clip" },
  },
  {
    name: "accumulation not normalised by tokens",
    file: "src/train/step.ts",
    from: "torch.divScalar(sum, labelTokens)",
    to: "torch.divScalar(sum, batch.labelTargets.length)",
    test: { file: step, name: "micro-batches act as one batch" },
  },
  {
    name: "gradients of earlier rounds of ranks forgotten",
    file: "src/train/ranks/host-exchange.ts",
    from: "isFirst: !hasSums",
    to: "isFirst: true",
    test: { file: "src/train/ranks/gradient-exchange.test.ts", name: "ranks add up gradients in buckets" },
  },
  {
    name: "recomputed blocks with other dropout masks",
    file: "src/nn/recompute.ts",
    from: "    if (dropoutState) this.dropout?.setState(dropoutState);\n",
    to: "",
    test: { file: "src/train/recompute.test.ts", name: "bert-pairs, with dropout and without" },
  },
  {
    name: "LoRA scale inverted",
    file: "src/adapters/lora/attach-lora.ts",
    from: "alpha / (rslora ? Math.sqrt(rank) : rank)",
    to: "(rslora ? Math.sqrt(rank) : rank) / alpha",
    test: { file: methods, name: "lora: starts as the base, adds s·A·Bᵀ" },
  },
  {
    name: "LoRA scale of a PEFT folder inverted",
    file: "src/adapters/peft/lora-format.ts",
    from: 'scale: found.alpha() / (config["use_rslora"] === true ? Math.sqrt(rank) : rank)',
    to: 'scale: (config["use_rslora"] === true ? Math.sqrt(rank) : rank) / found.alpha()',
    test: { file: "test/parity/peft.test.ts", name: "PEFT's plain adapter: the logits are PEFT's" },
  },
  {
    name: "DoRA's row lengths on the CPU whatever the model's device",
    file: "src/adapters/dora/dora-bank.ts",
    from: "device: weight.device",
    to: 'device: "cpu"',
    test: { file: "test/second-device.test.ts", name: "dora trains" },
  },
  {
    name: "DoRA's row lengths without the factors' part across W",
    file: "src/adapters/dora/dora-bank.ts",
    from: "mul(add(own, cross, { alpha: 2 }), left)",
    to: "mul(own, left)",
    test: { file: matrix, name: "'dora', 'float32', rank 1: the merged weights compute" },
  },
  {
    name: "HiRA's change not multiplied by W",
    file: "src/adapters/hira/attach-hira.ts",
    from: "mul(toDType(base.denseWeight(), factor.dtype), factor)",
    to: "factor",
    test: { file: matrix, name: "'hira', 'float32', rank 1: the merged weights compute" },
  },
  {
    name: "MoRA's pairs turned the other way",
    file: "src/adapters/mora/square-bank.ts",
    from: "cat([neg(narrow(parts, 2, half, half)), narrow(parts, 2, 0, half)], { dim: 2 })",
    to: "cat([narrow(parts, 2, half, half), neg(narrow(parts, 2, 0, half))], { dim: 2 })",
    test: { file: "src/adapters/mora/mora.test.ts", name: "'rotation', [" },
  },
  {
    name: "ReLoRA's scale missing in the merge",
    file: "src/adapters/relora/attach-relora.ts",
    from: "merge(mulScalar(bank.A, bank.shape.scale), bank.B)",
    to: "merge(bank.A, bank.B)",
    test: { file: "src/adapters/relora/relora.test.ts", name: "a run with two restarts is the paper's" },
  },
  {
    name: "Flora's momentum left in the old projection",
    file: "src/adapters/flora/attach-flora.ts",
    from: "if (moments) moveMoments(moments, elementAt(before, index), bank);",
    to: "",
    test: { file: "src/adapters/flora/flora.test.ts", name: "with momentum, every weight is that" },
  },
  {
    name: "a start that nothing makes up for",
    file: compensated,
    from: "for (const slot of [select(this.A, 0, index), start.A])",
    to: "for (const slot of [select(this.A, 0, index)])",
    test: { file: matrix, name: "'pissa', 'float32', rank 1: where it starts" },
  },
  {
    name: "factors and start rounded apart",
    file: compensated,
    from: "A: cat([sub(own.A, start.A), start.A], { dim: 1 }),\n      B: cat([own.B, sub(own.B, start.B)], { dim: 1 }),",
    to: "A: cat([own.A, sub(zerosLike(start.A), start.A)], { dim: 1 }),\n      B: cat([own.B, start.B], { dim: 1 }),",
    test: {
      file: "src/adapters/non-zero-init/non-zero-init-bank.test.ts",
      name: "in bfloat16 a change of 1e-4 is learnt",
    },
  },
  {
    name: "a bias dropped",
    file: "src/nn/frozen-weight.ts",
    from: "fastLinear(x, weight, { bias })",
    to: "fastLinear(x, weight)",
    test: { file: parity, name: "biases: logits, loss and all gradients" },
  },
  {
    name: "the bias of an adapted layer dropped",
    file: "src/nn/frozen-weight.ts",
    from: "loraLinear(x, weight, A, B, scale, { bias,",
    to: "loraLinear(x, weight, A, B, scale, {",
    test: { file: methods, name: "lora: starts as the base, adds s·A·Bᵀ" },
  },
  {
    name: "rope off by one: frequencies",
    file: "src/nn/rope-frequencies.ts",
    from: "(_, i) => (2 * i) / dim",
    to: "(_, i) => (2 * (i + 1)) / dim",
    test: { file: parity, name: "gqa: logits, loss and all gradients" },
  },
  {
    name: "rope off by one: positions",
    file: "src/nn/causal-lm.ts",
    from: "BigInt(past + i)",
    to: "BigInt(past + i + 1)",
    test: { file: "src/nn/causal-lm.test.ts", name: "positions count from 0 in each sequence" },
  },
  {
    name: "a mask leaking between sequences",
    file: "src/nn/attention.ts",
    from: "  const { queries, keys, values } = heads;\n  if (hasFusedAttention()",
    to: "  const { queries, keys, values } = heads;\n  offsets = [0, offsets[offsets.length - 1]];\n  if (hasFusedAttention()",
    test: { file: parity, name: "a batch is the sum of its sequences" },
  },
  {
    name: "a mask leaking between equally long sequences",
    file: "src/nn/attention.ts",
    from: "attendBatch(heads, group.count, group.length, options);",
    to: "attendSequence(heads, options);",
    test: attention,
  },
  {
    name: "attention not causal",
    file: "src/nn/attention.ts",
    from: "attnMask: mask, isCausal, scale",
    to: "attnMask: mask, isCausal: false, scale",
    test: attention,
  },
  {
    name: "a window off by one",
    file: "src/nn/attention.ts",
    from: "keyCount - rows - window + 1",
    to: "keyCount - rows - window",
    test: { ...attention, name: "windows and soft caps are what their definitions say (float64)" },
  },
  {
    name: "a window off by one behind a cache",
    file: "src/nn/attention.ts",
    from: "(options.slidingWindow ?? total) + added - 1",
    to: "(options.slidingWindow ?? total) + added - 2",
    test: { ...attention, name: "the last 1 of 8 tokens after a cache" },
  },
  {
    name: "attention's soft cap missing",
    file: "src/models/decoder/attention.ts",
    from: "softCap: config.attentionLogitSoftcap",
    to: "softCap: undefined",
    test: { file: decoders, name: "gemma2, scores-capped: logits, loss and all gradients" },
  },
  {
    name: "the loss without the logits' soft cap",
    file: "src/nn/causal-loss.ts",
    from: "      softCap: head.softCap,\n",
    to: "",
    test: { file: "src/nn/causal-loss.test.ts", name: "the gradients of a soft-capped loss" },
  },
  {
    name: "Gemma's norms counting from 0",
    file: "src/nn/rms-norm.ts",
    from: "fromOne: this.addUnitOffset",
    to: "fromOne: false",
    test: { file: decoders, name: "gemma3_text, saved: logits, loss and all gradients" },
  },
  {
    name: "the composed form of Gemma's norms counting from 0",
    file: "src/nn/rms-norm.ts",
    from: "addScalar(upcast(this.weight), 1)",
    to: "upcast(this.weight)",
    test: { file: "src/nn/decoder-parts.test.ts", name: "RMSNorm, its weight an offset from 1: true" },
  },
  {
    name: "every layer with the rope of the first",
    file: "src/models/decoder/model.ts",
    from: "elementAt(rotations, elementAt(this.rotaryByLayer, i))",
    to: "elementAt(rotations, 0)",
    test: { file: decoders, name: "gemma3_text, saved: logits, loss and all gradients" },
  },
  {
    name: "last token of the cache dropped",
    file: "src/nn/kv-cache.ts",
    from: "this.usedLength += count;",
    to: "this.usedLength += count - 1;",
    test: { file: parity, name: "gqa: a cache fed in pieces" },
  },
  {
    name: "labels shifted",
    file: "src/data/collate.ts",
    from: "rows.push(start + j - 1);",
    to: "rows.push(start + j);",
    test: { file: "src/data/batch-source.test.ts", name: "a packed batch has the labels of its sequences" },
  },
  {
    name: "an answer's end token is no label",
    file: "src/data/formats/conversation-renderer.ts",
    from: "span: [prompt.length, text.length]",
    to: "span: [prompt.length, text.trimEnd().length - 10]",
    test: { file: "src/data/load-examples.test.ts", name: "a chat trains on every answer and its end token" },
  },
  {
    name: "an RNG state not saved",
    file: "src/train/trainer.ts",
    from: "[name, g.state()]",
    to: '[name, new torch.Generator(0, "cpu").state()]',
    test: { file: resume, name: "the state of generators belongs to the checkpoint" },
  },
  {
    name: "the data position not restored",
    file: "src/train/resume.ts",
    from: "  options.batches.restore(batches);\n",
    to: "",
    test: { file: resume, name: "a resumed run, and a resume of the resume, end bit for bit" },
  },
  {
    name: "moments not restored",
    file: "src/train/resume.ts",
    from: '  withTensors(path, "optimizer", (read) => options.optimizer.loadState(read));\n',
    to: "",
    test: { file: resume, name: "a resumed run, and a resume of the resume, end bit for bit" },
  },
  {
    name: "checkpoint hash not verified",
    file: "src/train/checkpoints/read-checkpoint.ts",
    from: "if (found !== sha256)",
    to: "if (found.length !== sha256.length)",
    test: { file: resume, name: "the newest valid checkpoint is used" },
  },
  {
    name: "a lock taken from a live process",
    file: "src/util/lock-holder.ts",
    from: 'if (life !== "unclear") return life;',
    to: 'if (life === "alive") return "gone";',
    test: { file: "src/util/process-lock.test.ts", name: "a lock of this process is held too" },
  },
  {
    name: "a takeover that removes whatever is there",
    file: "src/util/process-lock.ts",
    from: "for (const file of gone) rmSync(file, { force: true });",
    to: "for (const _ of gone) rmSync(path, { recursive: true, force: true });",
    test: { file: "src/util/lock-takeover.test.ts", name: "whoever finds a lock without a holder" },
  },
  {
    name: "a heartbeat that nobody waits for",
    file: "src/util/lock-holder.ts",
    from: 'return last === undefined ? "unclear" : "alive";',
    to: 'return "unclear";',
    test: {
      file: "src/util/process-lock.test.ts",
      name: "the lock of another host with a heartbeat is held",
    },
  },
  {
    name: "a holder that writes on without its lock",
    file: "src/run/run-folder.ts",
    from: "this.assertHeld();\n      write();",
    to: "write();",
    test: { file: "src/run/run-folder.test.ts", name: "a run that another process has taken over" },
  },
  {
    name: "the run's GEMM backend forgotten before its first checkpoint",
    file: "src/recipes/prepare-run.ts",
    from: "loadModelAndTokenizer({ ...config, shards }, seed, recordedBackend, modelConfig)",
    to: "loadModelAndTokenizer({ ...config, shards }, seed, undefined, modelConfig)",
    test: { file: "src/recipes/run-training.test.ts", name: "a run computes as it was started" },
  },
  {
    name: "a timing under load that counts",
    file: "src/torch/paired-timing.ts",
    from: "share >= quietShare.least && share <= quietShare.most",
    to: "share > 0",
    test: { file: "src/torch/paired-timing.test.ts", name: "load that hits one of the two" },
  },
  {
    name: "a run that says running when its process exits",
    file: "src/train/trainer.ts",
    from: '    process.prependOnceListener("exit", abandon);\n',
    to: "",
    test: { file: "src/train/kill.test.ts", name: "a process that exits in the middle of a run" },
  },
  {
    name: "a board that answers without its token",
    file: "src/board/access.ts",
    from: "if (access.token !== null && !equals(",
    to: "if (access.token === null && !equals(",
    test: { file: boardServer, name: "beyond this machine nothing is answered without the token" },
  },
  {
    name: "a board that takes commands of other pages",
    file: "src/board/access.ts",
    from: 'request.method === "POST" && !isSameOrigin(request)',
    to: 'request.method === "POST" && request.headers.origin === undefined',
    test: { file: boardServer, name: "commands of other pages are refused" },
  },
  {
    name: "a board that answers to any name",
    file: "src/board/access.ts",
    from: "  if (isLoopback(access.host)) return false;\n",
    to: "  if (isLoopback(access.host)) return true;\n",
    test: { file: boardServer, name: "a name that is not this machine's is refused" },
  },
  {
    name: "a replaced record read on from the old place",
    file: "src/board/record-follower.ts",
    from: "    return found.equals(this.tail);",
    to: "    return found.length > 0 || this.offset === 0;",
    test: {
      file: "src/board/record-follower.test.ts",
      name: "a shorter, replaced or removed file is read anew",
    },
  },
  {
    name: "a half-written line taken for a whole one",
    file: "src/board/record-follower.ts",
    from: "this.setRest([...this.rest, piece.subarray(start)]);",
    to: 'this.collector.add(piece.subarray(start).toString("utf8"));',
    test: { file: "src/board/record-follower.test.ts", name: "a growing record is read on" },
  },
  {
    name: "a template beyond its limits blamed on the row",
    file: "src/chat-template/template-interpreter.ts",
    from: "error instanceof TemplateLimitError || error instanceof RangeError",
    to: "error instanceof RangeError",
    test: {
      file: "src/chat-template/template-interpreter.test.ts",
      name: "a range of a billion ends in an error that names the template",
    },
  },
  {
    name: "a decoding that never ends blamed on memory",
    file: "src/data-files/parquet/decode-process.ts",
    from: '"SIGXCPU"',
    to: '"SIGKILL"',
    test: {
      file: "src/data-files/parquet/read-parquet.test.ts",
      name: "a table whose decoding never ends is given up: case 0",
    },
  },
  {
    name: "C1 controls printed raw",
    file: "src/util/quote.ts",
    from: "\\u007f-\\u009f",
    to: "\\u007f",
    test: { file: "src/util/quote.test.ts", name: "control characters are written out" },
  },
  {
    name: "backward given to the module after the one that made the node",
    file: "src/profile/attribute.ts",
    from: "makers.get(event.sequence)",
    to: "makers.get(event.sequence + 1)",
    test: {
      file: "src/profile/run-profiler.test.ts",
      name: "the table and the trace have forward and backward",
    },
  },
];
