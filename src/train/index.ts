export type { CheckpointIdentity } from "./checkpoints/format.js";
export { type CheckpointEntry, listCheckpoints } from "./checkpoints/load.js";
export { type Evaluation, evaluateLoss } from "./evaluate.js";
export { hashModel } from "./model-hash.js";
export type { TrainOptions, TrainResult, TrainSettings } from "./options.js";
export { loadCheckpointWeights } from "./resume.js";
export type { Score } from "./state.js";
export { train } from "./trainer.js";
