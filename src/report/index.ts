export type { Chart, ReportData, ReportTable, SampleGroup, Series } from "./report-data.ts";
export { type NamedRun, runCharts, runReport } from "./run-report.ts";
export { writeReport } from "./write-report.ts";
