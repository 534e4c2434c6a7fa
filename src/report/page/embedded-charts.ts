// What a report's page runs: draws the charts of the embedded data into the elements that await them.
import { type DrawnChart, drawChart } from "./draw-chart.ts";
import type { ChartData } from "./report-data.ts";

const text = document.getElementById("charts")?.textContent ?? "[]";
const charts: ChartData[] = JSON.parse(text);
const slider = document.querySelector<HTMLInputElement>("#smoothing");
const smoothing = () => Number(slider?.value ?? 0);

const draw = () =>
  charts.flatMap((chart, i): { chart: ChartData; view: DrawnChart }[] => {
    const holder = document.getElementById(`chart-${i}`);
    return holder === null ? [] : [{ chart, view: drawChart(holder, chart, smoothing()) }];
  });

let drawn = draw();

slider?.addEventListener("input", () => {
  for (const { chart, view } of drawn) view.update(chart, smoothing());
});

/** Paper is white: charts are drawn again with the light colours. */
function setPrinting(printing: boolean): void {
  document.documentElement.classList.toggle("print", printing);
  for (const { view } of drawn) view.destroy();
  drawn = draw();
}
addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));
