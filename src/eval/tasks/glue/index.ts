export { scoreGlue, scoringMetrics } from "./glue-metrics.ts";
export { type GlueData, readGlue, readGlueFiles } from "./read-glue.ts";
