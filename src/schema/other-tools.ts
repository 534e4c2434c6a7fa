/** Values that other tools have and that are no misspelling of ours. */
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

/** Whether a value means something that exists, only not here: then a similar name of ours is no help. */
export function isOtherToolValue(value: string): boolean {
  return normalisedValues.has(normalise(value));
}
