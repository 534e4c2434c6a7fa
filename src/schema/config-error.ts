import { ScaloraError } from "../util/errors.ts";
import { formatCount } from "../util/format.ts";
import { clip, clipMiddle, quote } from "../util/quote.ts";
import type { ConfigIssue, KeyPath } from "./config-issue.ts";

/** A file that is no recipe at all has a problem on every line. */
const maxPrintedIssues = 20;
/** Characters of a line about a problem. */
const maxDetail = 500;

/** All the problems of a recipe in one error. */
export class ConfigError extends ScaloraError {
  readonly issues: readonly ConfigIssue[];

  constructor(source: string, issues: readonly ConfigIssue[]) {
    const count = issues.length === 1 ? "1 problem" : `${formatCount(issues.length)} problems`;
    const rest = issues.length - maxPrintedIssues;
    const more = rest > 0 ? [`  … and ${formatCount(rest)} more`] : [];
    super(
      "config",
      [
        `${quote(clipMiddle(source), maxDetail)} has ${count}`,
        ...issues.slice(0, maxPrintedIssues).map(printIssue),
        ...more,
      ].join("\n"),
    );
    this.name = "ConfigError";
    this.issues = issues;
  }
}

function printIssue(issue: ConfigIssue, index: number): string {
  const { expected, fix } = issue;
  const [where, found] = [clipMiddle(issue.where), issue.found && clip(issue.found)];
  const lines = [`  ${index + 1}. ${quote(issue.key)}: ${quote(issue.problem, maxDetail)}`];
  for (const [label, text] of Object.entries({ where, expected, found, fix }))
    if (text !== undefined) lines.push(`     ${`${label}:`.padEnd(10)}${quote(text, maxDetail)}`);
  return lines.join("\n");
}

/** `["data", "train", 0, "weight"]` as `data.train[0].weight`. */
export function formatKeyPath(path: KeyPath): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}
