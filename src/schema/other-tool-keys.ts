import { normaliseName } from "../util/nearest-name.ts";

/**
 * What transformers, PEFT, TRL, Axolotl, LLaMA-Factory and torchtune call our keys, where `nearestName` would not find ours.
 * Case, `-` and `_` do not count.
 */
const otherToolNames: Readonly<Record<string, string>> = {
  // model
  path: "name model_name_or_path name_or_path model_name model_id base_model base_model_name_or_path pretrained_model_name_or_path",
  dtype: "torch_dtype precision mixed_precision bf16",
  device: "device_map",
  quantization: "load_in_4bit quantization_bit bnb_4bit_quant_type",
  labels: "num_labels num_classes",
  headDropout: "classifier_dropout",
  // adapter
  method: "peft_type finetuning_type adapter_type",
  rank: "r lora_r lora_rank",
  alpha: "lora_alpha",
  targetModules: "lora_target lora_targets lora_target_modules lora_modules lora_target_linear",
  exclude: "exclude_modules",
  dropout: "lora_dropout",
  init: "init_lora_weights",
  rslora: "use_rslora",
  // data
  train:
    "dataset datasets train_file train_files train_path train_data train_dataset dataset_name dataset_path data_path",
  eval: "eval_file eval_dataset validation validation_file validation_split val_file val_set_size test_size",
  maxLength:
    "max_seq_length max_seq_len model_max_length cutoff_len sequence_len seq_len seq_length context_length block_size",
  // train
  lr: "learning_rate peak_lr",
  steps: "max_steps num_steps train_steps iters",
  epochs: "num_train_epochs num_epochs",
  batchSize: "per_device_train_batch_size train_batch_size micro_batch_size",
  batchTokens: "max_tokens_per_batch tokens_per_batch",
  accumulate:
    "gradient_accumulation_steps gradient_accumulation grad_accumulation_steps grad_accum grad_accumulation",
  clip: "max_grad_norm max_norm gradient_clip gradient_clip_val gradient_clipping clip_grad_norm",
  schedule: "lr_scheduler_type lr_scheduler scheduler lr_schedule scheduler_type",
  warmup: "warmup_steps warmup_ratio num_warmup_steps",
  optimizer: "optim",
  betas: "adam_beta1 adam_beta2 beta1 beta2",
  eps: "adam_epsilon epsilon",
  evalEvery: "eval_steps eval_interval steps_per_eval",
  saveEvery: "save_steps save_interval checkpoint_every checkpoint_interval",
  keepLast: "save_total_limit",
  patience: "early_stopping_patience early_stopping",
  recompute: "gradient_checkpointing use_gradient_checkpointing activation_checkpointing",
  shardBase: "fsdp",
  // run
  folder: "output_dir output_folder log_dir logging_dir",
  name: "run_name experiment_name wandb_name",
};

/** Finds the one of the known keys that a key is in another spelling, or by another tool's name. */
export function knownKeyFinder(known: readonly string[]): (key: string) => string | undefined {
  const own = known.map((key) => [normaliseName(key), key] as const);
  const others = known.flatMap((key) =>
    (otherToolNames[key]?.split(" ") ?? []).map((name) => [normaliseName(name), key] as const),
  );
  const names = new Map([...others, ...own]);
  return (key) => names.get(normaliseName(key));
}

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

const normalisedValues = new Set(otherToolValues.map(normaliseName));

/** Whether another tool has this value: suggesting a similar name of ours would then mislead. */
export function isOtherToolValue(value: string): boolean {
  return normalisedValues.has(normaliseName(value));
}
