import { afterAll, expect, test } from "vitest";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { problems, remove } = recipeFolder();
afterAll(remove);

test.each(
  Object.entries({
    "adapter.lora_r": "rank",
    "adapter.lora-alpha": "alpha",
    "adapter.target_modules": "targetModules",
    "adapter.loraDropout": "dropout",
    "train.learningRate": "lr",
    "train.learning_rate": "lr",
    "train.batch_size": "batchSize",
    "train.per_device_train_batch_size": "batchSize",
    "train.num_epochs": "epochs",
    "train.numTrainEpochs": "epochs",
    "train.gradient_checkpointing": "recompute",
    "train.save_total_limit": "keepLast",
    "data.max_seq_length": "maxLength",
    "data.valFile": "eval",
    "model.model_name_or_path": "path",
    "run.output_dir": "folder",
    // In a section that does not have it, or in none.
    "adapter.learningRate": "train.lr",
    "adapter.batchSize": "train.batchSize",
    "train.max_seq_length": "data.maxLength",
    "train.r": "adapter.rank",
    "train.dataset": "data.train",
    "train.output_dir": "run.folder",
    learning_rate: "train.lr",
    dataset: "data.train",
    lora_alpha: "adapter.alpha",
    base_model: "model.path",
  }),
)("a key as other tools spell it is led to ours: %s is %s", (key, meant) => {
  expect(problems(minimal, [`${key}=4`]).issues).toContainEqual(
    expect.objectContaining({ key, problem: "unknown key", fix: `did you mean ${meant}?` }),
  );
});
