export { scoreGlue } from "./glue-metrics.ts";
export { type GlueData, readGlue, readGlueFiles } from "./read-glue.ts";
