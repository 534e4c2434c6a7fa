export { AdamW, type AdamWOptions } from "./adamw.js";
export type { OptimizedParameter, Optimizer, OptimizerMoments } from "./optimizer.js";
export {
  countWarmupSteps,
  makeSchedule,
  type Schedule,
  type ScheduleName,
  type ScheduleOptions,
  scheduleNames,
} from "./schedule.js";
export { SGD, type SGDOptions } from "./sgd.js";
