/** The style of the board's page, after the one that it shares with reports. */
export const boardStyle = `
.bar { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; }
.bar h1 { flex: 1 1 auto; }
.connection { margin: 0; font-size: 13px; color: var(--soft); }
.connection.lost { color: var(--bad); font-weight: 600; }
button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: 5px 12px; cursor: pointer; min-height: 34px; }
button:hover:not([aria-disabled="true"]) { border-color: var(--accent); }
button[aria-disabled="true"] { color: var(--soft); cursor: default; opacity: .65; }
button.danger:not([aria-disabled="true"]) { color: var(--bad); }
input[type="checkbox"] { flex: none; width: 18px; height: 18px; margin: 0; accent-color: var(--accent); vertical-align: middle; }
.data.runs :is(th, td) { vertical-align: middle; white-space: nowrap; }
.data.runs td:first-child { white-space: normal; }
.runs .name { display: flex; align-items: center; gap: 9px; font-weight: 600; cursor: pointer; white-space: normal; overflow-wrap: anywhere; min-width: 130px; }
.runs .model { font-weight: 400; color: var(--soft); font-size: 13px; }
.runs tr.shown td { background: color-mix(in srgb, var(--accent) 9%, transparent); }
.swatch { flex: none; width: 11px; height: 11px; border-radius: 3px; }
.swatch-0 { background: transparent; }
.swatch-1 { background: var(--series-1); } .swatch-2 { background: var(--series-2); }
.swatch-3 { background: var(--series-3); } .swatch-4 { background: var(--series-4); }
.swatch-5 { background: var(--series-5); } .swatch-6 { background: var(--series-6); }
.swatch-7 { background: var(--series-7); } .swatch-8 { background: var(--series-8); }
.state { white-space: nowrap; }
.state::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; background: var(--soft); }
.state.running::before, .state.starting::before { background: var(--good); }
.state.paused::before { background: var(--warn-line); }
.state.failed::before, .state.interrupted::before, .state.newer::before, .state.unknown::before { background: var(--bad); }
.progress { display: block; width: 100%; min-width: 76px; height: 6px; margin-top: 3px; border: 0; border-radius: 3px; background: var(--line); overflow: hidden; appearance: none; }
.progress::-webkit-progress-bar { background: var(--line); }
.progress::-webkit-progress-value { background: var(--accent); }
.progress::-moz-progress-bar { background: var(--accent); }
.problem { margin: 8px 0; padding: 8px 12px; border: 1px solid var(--bad); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
.run { margin-top: 28px; border-top: 2px solid var(--line); padding-top: 18px; }
.run > .bar h2 { margin: 0; flex: 1 1 auto; overflow-wrap: anywhere; }
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 0 16px; }
.heads > * { min-width: 0; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; }
.run details { margin-top: 14px; }
.run details > summary { cursor: pointer; font-weight: 600; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.empty { padding: 28px; text-align: center; color: var(--soft); border: 1px dashed var(--line); border-radius: 8px; }
@media (max-width: 900px) { .runs .wide { display: none; } }
@media (max-width: 600px) {
  .runs .middle { display: none; }
  .runs .name { min-width: 100px; gap: 6px; }
  .runs .model { display: none; }
  button { min-height: 40px; }
}
`;
