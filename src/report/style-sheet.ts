/** The style that reports and the board share. Colours are variables, so that the charts can use them. */
export const sharedStyle = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f7f9; --text: #1c2128; --soft: #57606a; --line: #d0d7de; --accent: #0b5cad;
  --good: #18713f; --bad: #b3261e; --warn-card: #fff6e0; --warn-line: #d9a400;
  --series-1: #0b6bcb; --series-2: #d1580a; --series-3: #18794e; --series-4: #a6388e;
  --series-5: #7d6608; --series-6: #3d6f83; --series-7: #b3261e; --series-8: #5b5bd6;
}
@media (prefers-color-scheme: dark) {
  :root:not(.print) {
    --page: #14171c; --card: #1d2229; --text: #e6e9ed; --soft: #a3adb8; --line: #3a424d; --accent: #7ab8ff;
    --good: #6fd99f; --bad: #ff9a91; --warn-card: #2c2612; --warn-line: #b88a00;
    --series-1: #6cb2ff; --series-2: #ff9d5c; --series-3: #5fd39b; --series-4: #ef8fd6;
    --series-5: #e2c84b; --series-6: #86c5da; --series-7: #ff8a80; --series-8: #a5a5ff;
  }
}
:root.print { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 64px; }
h1 { margin: 0; font-size: 26px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 36px 0 12px; font-size: 18px; }
h3 { margin: 0; font-size: 15px; overflow-wrap: anywhere; }
p { margin: 6px 0; }
.soft { color: var(--soft); }
.headline { margin: 18px 0; padding: 12px 16px; border-left: 4px solid var(--accent); background: var(--card); border-radius: 4px; }
.headline .soft { white-space: pre-line; }
.headline.warning { border-color: var(--bad); }
.headline .learnt { font-size: 19px; line-height: 1.35; font-weight: 600; margin: 0 0 4px; text-wrap: balance; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 210px), 1fr)); gap: 8px 24px; margin: 12px 0 0; }
.facts dt { color: var(--soft); font-size: 13px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.group { margin: 0 0 22px; }
.warnings { margin: 0; padding: 10px 16px 10px 32px; background: var(--warn-card); border: 1px solid var(--warn-line); border-radius: 8px; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.card > .soft { font-size: 13px; }
.chart { margin-top: 8px; min-height: 260px; }
.control { display: inline-flex; align-items: center; gap: 8px; margin: 0 0 12px; }
input[type="range"] { accent-color: var(--accent); }
.scroll { overflow-x: auto; }
table.data { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
table.data th, table.data td { padding: 6px 10px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: bottom; }
table.data td { white-space: nowrap; }
table.data th { color: var(--soft); font-weight: 600; }
table.data .right { text-align: right; }
.values { font-size: 13px; margin-top: 4px; }
.values summary { cursor: pointer; color: var(--soft); width: max-content; }
.sample { margin-bottom: 12px; }
.sample pre, .next { margin: 4px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
.sample .prompt { margin-bottom: 10px; }
.outputs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 190px), 1fr)); gap: 10px 16px; }
.output .by { margin: 0; font-size: 13px; font-weight: 600; color: var(--soft); }
.output { border-top: 2px solid var(--line); padding-top: 6px; min-width: 0; }
.output .right { color: var(--good); }
.output .wrong { color: var(--bad); }
.u-legend { font-size: 13px; text-align: left; }
.u-legend th { font-weight: 500; }
.u-legend .u-series:first-child .u-marker { display: none; }
.u-legend .u-value { font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 600px) {
  main { padding: 16px 12px 40px; }
  h1 { font-size: 21px; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 150px), 1fr)); gap: 8px 14px; }
  .card { padding: 12px 10px; }
  table.data th, table.data td { padding: 5px 7px; }
  .card table.data :is(th, td):first-child { position: sticky; left: 0; background: var(--card); }
}
`;

/** What only a report's page has: on paper there is no slider, and nothing is torn apart. */
export const reportStyle = `
@media print {
  @page { margin: 14mm; }
  main { max-width: none; padding: 0; }
  .control, .values { display: none; }
  .card, .headline, .group, .warnings { break-inside: avoid; }
  h2 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  .scroll { overflow: visible; }
  table.data { font-size: 11px; }
  table.data :is(th, td) { white-space: normal; padding: 3px 5px; }
}
`;
