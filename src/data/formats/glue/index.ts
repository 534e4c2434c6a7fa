export type { GlueName, GlueTask } from "./glue-task.ts";
export { findGlueTask, glueTasks } from "./glue-tasks.ts";
export { type GlueExample, readGlueRows } from "./read-glue-rows.ts";
