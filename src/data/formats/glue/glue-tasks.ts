import type { DataFormat } from "../types.ts";
import type { GlueTask } from "./glue-task.ts";
import { cola } from "./tasks/cola.ts";
import { mnli } from "./tasks/mnli.ts";
import { mrpc } from "./tasks/mrpc.ts";
import { qnli } from "./tasks/qnli.ts";
import { qqp } from "./tasks/qqp.ts";
import { rte } from "./tasks/rte.ts";
import { sst2 } from "./tasks/sst2.ts";
import { stsb } from "./tasks/stsb.ts";

/** GLUE's eight tasks (without WNLI), by name. */
export const glueTasks: ReadonlyMap<string, GlueTask> = new Map(
  [cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte].map((task) => [task.name, task]),
);

/** The GLUE task of a format, or undefined for other formats. */
export const findGlueTask = (format: DataFormat | undefined): GlueTask | undefined =>
  format === undefined ? undefined : glueTasks.get(format);
