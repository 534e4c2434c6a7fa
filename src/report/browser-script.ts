/**
 * The report's script for the browser: reads the embedded data and draws each chart with uPlot, again when the colour scheme
 * or the width changes. Plain JavaScript, because the page has no build step.
 */
export const reportScript = `
"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const figure = (value) => value === null || value === undefined ? "–" : Number(value.toPrecision(5)).toString();
  const drawn = [];

  const axis = (label) => ({
    label, stroke: colour("--soft"), labelSize: 22, labelFont: "12px system-ui", font: "12px system-ui",
    grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 },
  });

  // Steps are integers, so their ticks are too.
  const wholeSteps = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  const tickFigure = (value) => value === null ? "" : Number(value.toPrecision(6)).toString();

  function draw(chart, holder) {
    const options = {
      width: holder.clientWidth,
      height: 280,
      scales: { x: { time: false }, y: { distr: chart.logarithmic ? 3 : 1 } },
      axes: [
        { ...axis(chart.xLabel), incrs: wholeSteps },
        { ...axis(chart.yLabel), size: 64, values: (_, ticks) => ticks.map(tickFigure) },
      ],
      series: [
        { label: chart.xLabel, value: (_, value) => figure(value) },
        ...chart.names.map((label, i) => ({
          label, stroke: colour("--series-" + (i % 8 + 1)), width: 2, spanGaps: true,
          dash: i < 8 ? undefined : [6, 4], points: { show: chart.data[0].length < 30, size: 5 },
          value: (_, value) => figure(value),
        })),
      ],
    };
    return new uPlot(options, chart.data, holder);
  }

  function drawAll() {
    for (const plot of drawn.splice(0)) plot.destroy();
    charts.forEach((chart, i) => drawn.push(draw(chart, document.getElementById("chart-" + i))));
  }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    drawn.forEach((plot) => plot.setSize({ width: plot.root.parentElement.clientWidth, height: 280 }));
  });
})();
`;
