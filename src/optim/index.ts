export { AdamW, type AdamWOptions } from "./adamw.ts";
export type { OptimizedParameter, Optimizer, OptimizerMoments } from "./optimizer.ts";
export {
  countWarmupSteps,
  makeSchedule,
  type Schedule,
  type ScheduleName,
  type ScheduleOptions,
  scheduleNames,
} from "./schedule.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
