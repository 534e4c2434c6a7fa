/** Names that other tools give to our keys, too different from ours for `nearestName` to find. */
export const otherToolKeys: Readonly<Record<string, string>> = {
  r: "rank",
  target_modules: "targetModules",
  use_rslora: "rslora",
  learning_rate: "lr",
  max_steps: "steps",
  max_grad_norm: "clip",
  per_device_train_batch_size: "batchSize",
  gradient_accumulation_steps: "accumulate",
  lr_scheduler_type: "schedule",
  max_seq_length: "maxLength",
  name_or_path: "path",
  optim: "optimizer",
  fsdp: "shardBase",
};

/** Values that other tools have; none is a misspelling of one of ours. */
const otherToolValues: readonly string[] = [
  // Methods.
  ..."adalora boft galore hra ia3 loftq loha lokr lora-fa oft olora prefix prefix-tuning prompt-tuning".split(
    " ",
  ),
  ..."qdora rslora vblora vera xlora".split(" "),
  // Precisions.
  ..."float16 fp16 half float64 fp64 double fp8 float8 fp4 int8 int4 8bit 4bit mixed".split(" "),
  // Optimisers.
  ..."adafactor adagrad adam8bit adamax adamw8bit came lamb lion muon paged_adamw rmsprop shampoo soap sophia".split(
    " ",
  ),
  // Schedules.
  ..."cosine_with_restarts cosine_with_min_lr inverse_sqrt reduce_lr_on_plateau warmup_stable_decay wsd".split(
    " ",
  ),
  // Devices.
  ..."npu rocm tpu vulkan webgpu xla xpu".split(" "),
  // What a row may hold.
  ..."dpo kto preference".split(" "),
];

const normalisedValues = new Set(otherToolValues.map(normalise));

/** Case, `-`, `_` and spaces do not count. */
function normalise(text: string): string {
  return text.toLowerCase().replaceAll(/[-_\s]/g, "");
}

/** Whether another tool has this value: suggesting a similar name of ours would then mislead. */
export function isOtherToolValue(value: string): boolean {
  return normalisedValues.has(normalise(value));
}
