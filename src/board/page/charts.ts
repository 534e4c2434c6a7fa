import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type DrawnChart, drawChart } from "../../report/page/draw-chart.ts";
import type { ChartData } from "../../report/page/report-data.ts";
import type { PageProps } from "./board-client.ts";

/** The charts of all runs that are looked at. */
export function Charts({
  charts,
  state: { smoothing },
  client,
}: PageProps & { charts: readonly ChartData[] }) {
  if (charts.length === 0) return null;
  return h(
    "section",
    { "aria-labelledby": "curves-title" },
    h("h2", { id: "curves-title" }, "Curves"),
    h(
      "label",
      { class: "control" },
      "Smoothing ",
      h("input", {
        type: "range",
        min: 0,
        max: 20,
        step: 1,
        value: smoothing,
        onInput: (event) => client.smooth(Number(event.currentTarget.value)),
      }),
    ),
    h(
      "div",
      { class: "charts" },
      charts.map((chart) => h(ChartCard, { key: chart.title, chart, smoothing })),
    ),
  );
}

function ChartCard({ chart, smoothing }: { chart: ChartData; smoothing: number }) {
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnChart | null>(null);
  useEffect(() => {
    if (holder.current !== null) drawn.current = drawChart(holder.current, chart, smoothing);
    return () => drawn.current?.destroy();
  }, []);
  useEffect(() => drawn.current?.update(chart, smoothing), [chart, smoothing]);
  return h(
    "div",
    { class: "card" },
    h("h3", null, chart.title),
    chart.note === null ? null : h("p", { class: "soft" }, chart.note),
    h("div", { ref: holder }),
  );
}
