import { ScaloraError } from "../util/errors.ts";
import type { ConfigIssue, KeyPath } from "./config-issue.ts";

/** A file that is no recipe at all has a problem on every line. */
const maxPrintedIssues = 20;

/** All the problems of a recipe in one error. */
export class ConfigError extends ScaloraError {
  readonly issues: readonly ConfigIssue[];

  constructor(source: string, issues: readonly ConfigIssue[]) {
    const count = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
    const rest = issues.length - maxPrintedIssues;
    const more = rest > 0 ? [`  … and ${rest} more`] : [];
    super(
      "config",
      [`${source} has ${count}`, ...issues.slice(0, maxPrintedIssues).map(printIssue), ...more].join("\n"),
    );
    this.name = "ConfigError";
    this.issues = issues;
  }
}

function printIssue(issue: ConfigIssue, index: number): string {
  const lines = [`  ${index + 1}. ${issue.key}: ${issue.problem}`, `     where:    ${issue.where}`];
  if (issue.expected !== undefined) lines.push(`     expected: ${issue.expected}`);
  if (issue.found !== undefined) lines.push(`     found:    ${issue.found}`);
  if (issue.fix !== undefined) lines.push(`     fix:      ${issue.fix}`);
  return lines.join("\n");
}

/** `["data", "train", 0, "weight"]` as `data.train[0].weight`. */
export function formatKeyPath(path: KeyPath): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}
