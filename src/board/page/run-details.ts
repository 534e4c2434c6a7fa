import { h } from "preact";
import type { Fact, SampleGroup, SampleOutput } from "../../report/page/report-data.ts";
import { sampleMarks } from "../../report/page/sample-marks.ts";
import type { PageProps, SentCommand } from "./board-client.ts";
import type { BoardCommand, BoardRun, BoardRunDetails } from "./board-data.ts";
import { StateText } from "./run-table.ts";

/** A run's name, state, buttons and headline, with what is wrong. */
export function RunHead({
  run,
  details,
  state,
  client,
}: PageProps & { run: BoardRun; details: BoardRunDetails | undefined }) {
  const problems = [...new Set([run.problem, details?.problem ?? null])].filter(
    (problem) => problem !== null,
  );
  const headline = details?.headline ?? null;
  const isExplained = run.state === "failed" && headline !== null;
  return h(
    "section",
    { class: "run", "aria-label": run.name },
    h(
      "div",
      { class: "bar" },
      h("h2", null, run.name),
      h(StateText, { state: run.state, problem: run.problem }),
      h(Buttons, { run, sent: state.sent.get(run.id), send: (command) => void client.send(run, command) }),
    ),
    run.message === null || isExplained ? null : h("p", null, run.message),
    problems.map((problem) => h("pre", { class: "problem" }, problem)),
    headline === null
      ? null
      : h(
          "div",
          { class: `headline ${headline.tone}` },
          h("p", { class: "learnt" }, `${headline.text}.`),
          h("p", { class: "soft" }, headline.certainty),
        ),
    details !== undefined && details.warnings.length > 0
      ? h(
          "ul",
          { class: "warnings", "aria-label": "Warnings" },
          details.warnings.map((warning) => h("li", null, warning)),
        )
      : null,
  );
}

type Command = BoardCommand["command"];

interface ButtonProps {
  run: BoardRun;
  sent: SentCommand | undefined;
  send: (command: Command) => void;
}

function Buttons({ run, sent, send }: ButtonProps) {
  if (!run.active) return null;
  // Not `disabled`, which would lose the keyboard focus.
  const isWaiting = sent !== undefined && sent.command !== "checkpoint";
  const button = (command: Command, label: string, onClick = () => send(command)) =>
    h(
      "button",
      {
        type: "button",
        class: command === "stop" ? "danger" : "",
        "aria-disabled": isWaiting,
        "aria-label": `${label} ${run.name}`,
        onClick: isWaiting ? undefined : onClick,
      },
      sent?.command === command ? `${label}…` : label,
    );
  const stop = () => {
    if (confirm(`Stop ${run.name}? It saves a checkpoint, from which it can be resumed.`)) send("stop");
  };
  return h(
    "div",
    { class: "buttons", role: "group", "aria-label": `Control ${run.name}` },
    run.state === "paused" ? button("continue", "Resume") : button("pause", "Pause"),
    button("checkpoint", "Save checkpoint"),
    button("stop", "Stop", stop),
  );
}

/** A run's figures, samples and settings. */
export function RunBody({
  run,
  details,
  isOpen,
}: {
  run: BoardRun;
  details: BoardRunDetails;
  isOpen: boolean;
}) {
  const { facts, samples, groups } = details;
  if (facts.length === 0 && samples.length === 0) return null;
  return h(
    "section",
    { class: "run", "aria-label": `Details of ${run.name}` },
    h("h2", null, `Details of ${run.name}`),
    h(Facts, { facts }),
    samples.length === 0
      ? null
      : h(
          "details",
          { open: isOpen },
          h("summary", null, "Samples"),
          samples.map((group) => h(Sample, { group })),
        ),
    groups.length === 0
      ? null
      : h(
          "details",
          null,
          h("summary", null, "Data, speed and settings"),
          groups.map((group) =>
            h("div", { class: "group" }, h("h3", null, group.title), h(Facts, { facts: group.facts })),
          ),
        ),
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return h(
    "dl",
    { class: "facts" },
    facts.map(({ label, value }) => h("div", null, h("dt", null, label), h("dd", null, value))),
  );
}

function Sample({ group: { prompt, outputs } }: { group: SampleGroup }) {
  const output = ({ name, text, mark }: SampleOutput) =>
    h(
      "div",
      { class: "output" },
      h(
        "p",
        { class: "by" },
        name,
        mark === undefined ? null : h("span", { class: mark }, ` ${sampleMarks[mark]}`),
      ),
      h("pre", null, text),
    );
  return h(
    "div",
    { class: "card sample" },
    h("pre", { class: "prompt" }, prompt),
    h("div", { class: "outputs" }, outputs.map(output)),
  );
}
