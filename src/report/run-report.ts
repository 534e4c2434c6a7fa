import { eventsOfType, type RunEvent } from "../run/events.ts";
import { runHeadline } from "./headline.ts";
import type { NamedRun } from "./named-run.ts";
import type { ReportData, RunDetails, SampleGroup, SampleOutput } from "./page/report-data.ts";
import { runCharts } from "./run-charts.ts";
import { runFacts, runGroups } from "./run-facts.ts";

/**
 * The report of one training run, finished or not.
 * @param recipe text of the run's `config.yaml`, for its settings
 */
export function runReport(run: NamedRun, recipe?: string): ReportData {
  return { ...runDetails(run, recipe), charts: runCharts([run]), tables: [] };
}

/** The text of a report on a run: everything but the charts. */
export function runDetails(run: NamedRun, recipe?: string): RunDetails {
  return {
    title: run.name,
    headline: runHeadline(run.events) ?? null,
    facts: runFacts(run.events),
    warnings: runWarnings(run.events),
    samples: sampleGroups([run]),
    groups: runGroups(run.events, recipe),
  };
}

/** The warnings of a run, each once, with its step. */
function runWarnings(events: readonly RunEvent[]): string[] {
  const warnings = eventsOfType(events, "warning");
  return [
    ...new Set(warnings.map(({ step, message }) => (step === 0 ? message : `Step ${step}: ${message}`))),
  ];
}

/** Samples by prompt; an output's name gives its step, and its run when there are several. */
function sampleGroups(runs: readonly NamedRun[]): SampleGroup[] {
  const groups = new Map<string, SampleOutput[]>();
  for (const { name, events } of runs) {
    for (const { step, prompt, output, expected } of eventsOfType(events, "sample")) {
      const when = step === 0 ? "before" : `step ${step}`;
      const outputs =
        groups.get(prompt) ?? (expected === undefined ? [] : [{ name: "reference", text: expected }]);
      outputs.push({
        name: runs.length > 1 ? `${name}, ${when}` : when,
        text: output,
        mark: markOf(output, expected),
      });
      groups.set(prompt, outputs);
    }
  }
  return [...groups].map(([prompt, outputs]) => ({ prompt, outputs }));
}

function markOf(output: string, expected: string | undefined): SampleOutput["mark"] {
  if (expected === undefined) return undefined;
  return output.trim() === expected.trim() ? "right" : "wrong";
}
