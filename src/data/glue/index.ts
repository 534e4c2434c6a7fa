import type { DataFormat } from "../types.js";
import { cola } from "./cola.js";
import { mnli } from "./mnli.js";
import { mrpc } from "./mrpc.js";
import { qnli } from "./qnli.js";
import { qqp } from "./qqp.js";
import { rte } from "./rte.js";
import { sst2 } from "./sst2.js";
import { stsb } from "./stsb.js";
import type { GlueTask } from "./task.js";

export { type GlueExample, readGlueRows } from "./rows.js";
export type { GlueName, GlueTask } from "./task.js";

/** GLUE's eight tasks (without WNLI), by name. */
export const glueTasks: ReadonlyMap<string, GlueTask> = new Map(
  [cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte].map((task) => [task.name, task]),
);

/** The task that a format is of, where it is one of GLUE's. */
export const glueTaskOf = (format: DataFormat | undefined): GlueTask | undefined =>
  format === undefined ? undefined : glueTasks.get(format);
