export { findTextTask } from "./find-text-task.ts";
export { readTaskExamples } from "./read-task-examples.ts";
export type { Choice, ScoredOutput, TaskExample, TextTask } from "./task.ts";
export { textTasks } from "./text-tasks.ts";
