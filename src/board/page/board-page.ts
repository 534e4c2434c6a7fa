import { h } from "preact";
import type { PageProps } from "./board-client.ts";
import { Charts } from "./charts.ts";
import { RunBody, RunHead } from "./run-details.ts";
import { RunTable } from "./run-table.ts";

/** The whole page. */
export function BoardPage(props: PageProps) {
  const { list, view, shown, announcement } = props.state;
  const runs = shown.flatMap((id) => {
    const run = list?.runs.find((other) => other.id === id);
    return run === undefined ? [] : [{ run, details: view?.runs.find((other) => other.id === id) }];
  });
  return [
    h(Header, props),
    h("p", { class: "hidden", role: "status", "aria-live": "polite" }, announcement),
    h(RunTable, props),
    h(
      "div",
      { class: "heads" },
      runs.map(({ run, details }) => h(RunHead, { key: run.id, run, details, ...props })),
    ),
    h(Charts, { charts: view?.charts ?? [], ...props }),
    runs.map(({ run, details }) =>
      details === undefined
        ? null
        : h(RunBody, { key: `${run.id} body`, run, details, isOpen: runs.length === 1 }),
    ),
  ];
}

function Header({ state: { list, lost } }: PageProps) {
  const live = list === null ? "Looking for runs…" : `Live, from ${list.folder}`;
  return h(
    "header",
    { class: "bar" },
    h("h1", null, "scalora board"),
    h("p", { class: `connection${lost === null ? "" : " lost"}` }, lost ?? live),
  );
}
