import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { writeFileAtomic } from "../util/files.ts";
import { type ChartLibrary, reportPage } from "./html-page.ts";
import type { ReportData } from "./report-data.ts";

/** Writes a self-contained HTML report: charts, tables and samples in one file that needs nothing else. */
export function writeReport(path: string, data: ReportData): void {
  writeFileAtomic(path, reportPage(data, chartLibrary()));
}

function chartLibrary(): ChartLibrary {
  const require = createRequire(import.meta.url);
  return {
    script: readFileSync(require.resolve("uplot/dist/uPlot.iife.min.js"), "utf8"),
    style: readFileSync(require.resolve("uplot/dist/uPlot.min.css"), "utf8"),
  };
}
