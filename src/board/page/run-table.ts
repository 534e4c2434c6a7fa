import { h } from "preact";
import type { PageProps } from "./board-client.ts";
import type { BoardRun } from "./board-data.ts";
import { agoText, countText, durationText, lossText, memoryText, rateText } from "./format-values.ts";

interface Column {
  title: string;
  /** Narrow screens leave it out: `wide` first, then `middle`. */
  width: "" | "middle" | "wide";
  text(run: BoardRun): string;
}

const columns: readonly Column[] = [
  { title: "Loss", width: "", text: ({ loss }) => lossText(loss) },
  { title: "Held-out", width: "middle", text: ({ evalLoss }) => lossText(evalLoss) },
  { title: "Best", width: "wide", text: bestText },
  { title: "lr", width: "wide", text: ({ lr }) => rateText(lr) },
  { title: "Tokens/s", width: "wide", text: ({ tokensPerSecond }) => countText(tokensPerSecond) },
  { title: "Memory", width: "wide", text: ({ memory }) => memoryText(memory) },
  {
    title: "Left",
    width: "middle",
    text: ({ active, remaining }) => durationText(active ? remaining : null),
  },
  { title: "Updated", width: "wide", text: ({ updatedAt }) => agoText(updatedAt, Date.now()) },
];

function bestText({ bestScore, bestEvalLoss }: BoardRun): string {
  return bestScore === null ? lossText(bestEvalLoss) : `${(100 * bestScore).toFixed(2)} %`;
}

/** All runs, with a box to look at each. */
export function RunTable({ state, client }: PageProps) {
  const { list, shown } = state;
  if (list === null) return null;
  if (list.runs.length === 0)
    return h(
      "p",
      { class: "empty" },
      `There are no runs in ${list.folder} yet. They appear here when they start.`,
    );
  const head = (column: { title: string; width: string }, side: string) =>
    h("th", { scope: "col", class: `${side} ${column.width}` }, column.title);
  return h(
    "section",
    { "aria-labelledby": "runs-title" },
    h("h2", { id: "runs-title" }, "Runs"),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "data runs" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            head({ title: "Run", width: "" }, ""),
            head({ title: "State", width: "" }, ""),
            head({ title: "Step", width: "" }, "right"),
            columns.map((column) => head(column, "right")),
          ),
        ),
        h(
          "tbody",
          null,
          list.runs.map((run) =>
            h(Row, { key: run.id, run, place: shown.indexOf(run.id), onToggle: () => client.toggle(run.id) }),
          ),
        ),
      ),
    ),
  );
}

function Row({ run, place, onToggle }: { run: BoardRun; place: number; onToggle: () => void }) {
  const { name, model, method, state, problem, step, totalSteps } = run;
  const what = [method === name ? null : method, model].filter((part) => part !== null).join(" on ");
  return h(
    "tr",
    { class: place >= 0 ? "shown" : "" },
    h(
      "td",
      null,
      h(
        "label",
        { class: "name" },
        h("input", { type: "checkbox", checked: place >= 0, onChange: onToggle }),
        h("span", { class: `swatch swatch-${place < 0 ? 0 : (place % 8) + 1}`, "aria-hidden": true }),
        h("span", null, name, what === "" ? null : h("span", { class: "model" }, ` ${what}`)),
      ),
    ),
    h("td", null, h(StateText, { state, problem })),
    h(
      "td",
      { class: "right" },
      step === null ? "–" : `${countText(step)} / ${countText(totalSteps)}`,
      step === null
        ? null
        : h("progress", {
            class: "progress",
            value: step,
            max: totalSteps || 1,
            "aria-label": `Progress of ${name}`,
          }),
    ),
    columns.map((column) => h("td", { class: `right ${column.width}` }, column.text(run))),
  );
}

/** The state of a run, in a word and a colour. */
export function StateText({ state, problem }: { state: string; problem: string | null }) {
  return h(
    "span",
    { class: `state ${state}`, title: problem ?? undefined },
    problem === null ? state : "unreadable",
  );
}
