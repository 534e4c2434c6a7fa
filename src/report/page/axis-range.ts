/** The two ends of an axis. */
export type AxisRange = [low: number, high: number];

/** The x axis of a single step: in the middle, and the only whole number. */
export const rangeAroundStep = (step: number): AxisRange => [step - 0.5, step + 0.5];

/** Room around a lone value, as a fraction of it. */
const room = 0.1;

/** The y axis of a single value: in the middle. */
export function rangeAroundValue(value: number): AxisRange {
  const half = value === 0 ? 1 : Math.abs(value) * room;
  return [value - half, value + half];
}
