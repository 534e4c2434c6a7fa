export { browserModule, chartLibrary, moduleEnding } from "./browser-files.ts";
export { modelName } from "./model-name.ts";
export type { NamedRun } from "./named-run.ts";
export { chartData } from "./page/chart-series.ts";
export type { Chart, Headline, ReportData, ReportTable, SampleGroup, Series } from "./page/report-data.ts";
export { runCharts } from "./run-charts.ts";
export { runDetails, runReport } from "./run-report.ts";
export { sharedStyle } from "./style-sheet.ts";
export { isReport, writeReport } from "./write-report.ts";
