import type { DataFormat } from "../types.ts";
import { cola } from "./cola.ts";
import type { GlueTask } from "./glue-task.ts";
import { mnli } from "./mnli.ts";
import { mrpc } from "./mrpc.ts";
import { qnli } from "./qnli.ts";
import { qqp } from "./qqp.ts";
import { rte } from "./rte.ts";
import { sst2 } from "./sst2.ts";
import { stsb } from "./stsb.ts";

export type { GlueName, GlueTask } from "./glue-task.ts";
export { type GlueExample, readGlueRows } from "./read-glue-rows.ts";

/** GLUE's eight tasks (without WNLI), by name. */
export const glueTasks: ReadonlyMap<string, GlueTask> = new Map(
  [cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte].map((task) => [task.name, task]),
);

/** The task that a format is of, where it is one of GLUE's. */
export const findGlueTask = (format: DataFormat | undefined): GlueTask | undefined =>
  format === undefined ? undefined : glueTasks.get(format);
