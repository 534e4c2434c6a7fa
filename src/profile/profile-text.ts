import type { ProfileEvent } from "../run/profile-event.ts";
import { formatCount } from "../util/format.ts";
import { groupBy } from "../util/group-by.ts";

/** Operators in the short form. */
const shownOperators = 15;

type Row = readonly string[];

/**
 * The tables of a profile as text: what a step's time is, by part of the step, by operator and by module.
 * @param isWhole with every operator and module; otherwise with the operators that take most, and with modules of the same name in
 * all layers together
 */
export function profileText(profile: ProfileEvent, { isWhole }: { isWhole: boolean }): string {
  const operators = isWhole ? profile.byOperator : profile.byOperator.slice(0, shownOperators);
  const more = profile.byOperator.length - operators.length;
  return [
    `profile of ${stepsText(profile)}: milliseconds a step`,
    columns(["step", "ms", "%"], timeRows(profile)),
    columns(["part", "ms", "%"], partRows(profile)),
    columns(["operator", "calls", "CPU ms", "ms", "%"], operatorRows(profile, operators)) +
      (more > 0 ? `\n… and ${more} more` : ""),
    columns(["module", "count", "forward", "backward", "CPU ms", "ms", "%"], groupedModules(profile)),
    ...(isWhole
      ? [columns(["module", "forward", "backward", "CPU ms", "ms", "%"], eachModule(profile))]
      : []),
  ].join("\n\n");
}

function stepsText({ steps, warmUp, microBatches }: ProfileEvent): string {
  const [first = 0] = steps;
  const last = steps.at(-1) ?? first;
  const part = microBatches === undefined ? "" : ` up to micro-batch ${microBatches}`;
  const range = (first === last ? `step ${first}` : `steps ${first} to ${last}`) + part;
  if (warmUp === 0) return `${range}, the first of this process, which is slower than others`;
  return `${range}, after ${warmUp} to warm up`;
}

const ms = (seconds: number) => (seconds * 1000).toFixed(2);

/** Milliseconds and the share of the step. */
const share = ({ seconds: step }: ProfileEvent, seconds: number): [string, string] => [
  ms(seconds),
  ((100 * seconds) / step).toFixed(1),
];

function timeRows(profile: ProfileEvent): Row[] {
  const { seconds, operators, stalled, javascript, idle, cpu } = profile;
  const row = (name: string, value: number): Row => [name, ...share(profile, value)];
  return [
    row("duration", seconds),
    row("an operator runs", operators),
    row("  its thread on no CPU", stalled),
    row("waiting: no operator runs", javascript + idle),
    row("  JavaScript and the engine", javascript),
    row("  main thread on no CPU", idle),
    row("CPU time of all threads", cpu),
  ];
}

const partRows = (profile: ProfileEvent): Row[] =>
  profile.phases.map(({ name, seconds }) => [name, ...share(profile, seconds)]);

const operatorRows = (profile: ProfileEvent, operators: ProfileEvent["byOperator"]): Row[] =>
  operators.map(({ name, calls, cpu, seconds }) => [
    name,
    calls.toFixed(1).replace(/\.0$/, ""),
    ms(cpu),
    ...share(profile, seconds),
  ]);

type ModuleTimes = Pick<ProfileEvent["byModule"][number], "forward" | "backward">;

const moduleTimes = (profile: ProfileEvent, { forward, backward }: ModuleTimes): Row => [
  ms(forward.seconds),
  ms(backward.seconds),
  ms(forward.cpu + backward.cpu),
  ...share(profile, forward.seconds + backward.seconds),
];

const eachModule = (profile: ProfileEvent): Row[] =>
  profile.byModule.map(({ path, ...times }) => [path, ...moduleTimes(profile, times)]);

/** Modules with the same path but for the numbers of layers together, as `model.layers.*.mlp.down_proj`; then the rest. */
function groupedModules(profile: ProfileEvent): Row[] {
  const pattern = ({ path }: { path: string }) => path.replaceAll(/(?<=^|\.)\d+(?=\.|$)/g, "*");
  return [
    ...groupBy(profile.byModule, pattern).map((modules) => [
      pattern(modules[0]),
      formatCount(modules.length),
      ...moduleTimes(profile, {
        forward: sumOf(modules.map(({ forward }) => forward)),
        backward: sumOf(modules.map(({ backward }) => backward)),
      }),
    ]),
    ...profile.phases
      .filter(({ outside }) => outside.seconds > 0)
      .map(({ name, outside }) => [
        `(${name}, outside of modules)`,
        ...["", "", ""],
        ms(outside.cpu),
        ...share(profile, outside.seconds),
      ]),
  ];
}

const sumOf = (times: readonly ModuleTimes["forward"][]): ModuleTimes["forward"] => ({
  seconds: times.reduce((sum, { seconds }) => sum + seconds, 0),
  cpu: times.reduce((sum, { cpu }) => sum + cpu, 0),
});

/** Columns two spaces apart, the first one aligned to the left and the others to the right. */
function columns(titles: Row, rows: readonly Row[]): string {
  const widths = titles.map((_, i) => Math.max(...[titles, ...rows].map((row) => row[i]?.length ?? 0)));
  const line = (row: Row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [titles, ...rows].map(line).join("\n");
}
