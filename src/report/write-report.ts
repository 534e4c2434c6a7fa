import { writeOutputFile } from "../util/output-file.ts";
import { readFileText } from "../util/read-file.ts";
import { reportPage } from "./html-page.ts";
import type { ReportData } from "./page/report-data.ts";

/** Writes a self-contained HTML report: charts, tables and samples in one file that needs nothing else. */
export function writeReport(path: string, data: ReportData): void {
  writeOutputFile(path, reportPage(data));
}

/** Whether a file is the report of these data. */
export function isReport(path: string, data: ReportData): boolean {
  const page = reportPage(data);
  try {
    return readFileText(path, Buffer.byteLength(page)) === page;
  } catch {
    return false;
  }
}
