// Faults in training: data, steps, checkpoints, resuming, ranks, profiles.
import type { Fault } from "./fault.ts";

const resume = "src/train/resume.test.ts";
const step = "src/train/step.test.ts";

export const faultsInTraining: Fault[] = [
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
