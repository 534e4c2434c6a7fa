/** The report's style sheet. Colours are variables, so that the charts can use them. */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f7f9; --text: #1c2128; --soft: #59636e; --line: #d8dee4;
  --series-1: #0b6bcb; --series-2: #d1580a; --series-3: #18794e; --series-4: #a6388e;
  --series-5: #7d6608; --series-6: #3d6f83; --series-7: #b3261e; --series-8: #5b5bd6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1d2229; --text: #e6e9ed; --soft: #9aa5b1; --line: #343b45;
    --series-1: #6cb2ff; --series-2: #ff9d5c; --series-3: #5fd39b; --series-4: #ef8fd6;
    --series-5: #e2c84b; --series-6: #86c5da; --series-7: #ff8a80; --series-8: #a5a5ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { margin: 0; font-size: 26px; overflow-wrap: anywhere; }
h2 { margin: 40px 0 12px; font-size: 18px; }
h3 { margin: 0; font-size: 15px; }
p { margin: 6px 0; }
.soft { color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 10px 24px; margin: 20px 0 0; }
.facts dt { color: var(--soft); font-size: 13px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.chart { margin-top: 8px; }
.scroll { overflow-x: auto; }
table.data { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
table.data th, table.data td { padding: 6px 12px; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
table.data th { color: var(--soft); font-weight: 600; }
table.data .right { text-align: right; }
.sample { margin-bottom: 12px; }
.sample pre, .next { margin: 4px 0 10px; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
.sample .prompt { color: var(--soft); }
.u-legend { font-size: 13px; text-align: left; }
.u-legend .u-marker { border-radius: 2px; }
`;
