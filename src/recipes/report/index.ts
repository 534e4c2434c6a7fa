import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { writeFileAtomic } from "../../util/files.js";
import type { ReportData } from "./data.js";
import { type ChartLibrary, reportPage } from "./page.js";

export type { Chart, ReportData, ReportTable, SampleGroup, Series } from "./data.js";
export { chartsOf, type NamedRun, reportOfRun, samplesOf } from "./of-run.js";

/** Writes a self-contained HTML report: charts, tables and samples in one file that needs nothing else. */
export function writeReport(path: string, data: ReportData): void {
  writeFileAtomic(path, reportPage(data, chartLibrary()));
}

function chartLibrary(): ChartLibrary {
  const { resolve } = createRequire(import.meta.url);
  const read = (file: string) => readFileSync(resolve(`uplot/dist/${file}`), "utf8");
  return { script: read("uPlot.iife.min.js"), style: read("uPlot.min.css") };
}
