import type { AdapterConfig, Method } from "./core/method.ts";

/**
 * What becomes of a method's preset rate where a recipe changes the options that it was published with. A step moves the
 * weights in proportion to rate and scale, because it moves each factor by about the rate.
 * @returns undefined where the rate is not the preset, nothing was published with it, or nothing that matters has changed
 */
export function presetNote(
  { name, presetLr, published }: Method,
  options: AdapterConfig,
  lr: number,
): string | undefined {
  if (published?.options === undefined || lr !== presetLr) return undefined;
  const [theirs, ours] = [scaleOf(published.options), scaleOf(options)];
  const preset = `train.lr ${lr.toExponential()} is the preset of ${name}, from ${published.source}, with ${optionsText(published.options)}`;
  if (theirs !== undefined && ours !== undefined) {
    const ratio = ours / theirs;
    if (Math.abs(ratio - 1) < 0.01) return undefined;
    return `${preset}, a scale of ${short(theirs)}; here the scale is ${short(ours)}, so a step moves the weights about ${short(ratio)} times as far: sweep the rate`;
  }
  const changed = Object.entries(published.options).filter(([key, value]) => options[key] !== value);
  if (changed.length === 0) return undefined;
  const here = Object.fromEntries(changed.map(([key]) => [key, options[key]]));
  return `${preset}; here it is ${optionsText(here)}: sweep the rate`;
}

/** What multiplies a method's change of the weights; undefined where nothing does. */
function scaleOf(options: Readonly<Record<string, unknown>>): number | undefined {
  const { scaling, alpha, rank, rslora } = options;
  if (typeof scaling === "number") return scaling;
  if (typeof alpha !== "number" || typeof rank !== "number") return undefined;
  return alpha / (rslora === true ? Math.sqrt(rank) : rank);
}

/** `rank 64 and alpha 16` */
export function optionsText(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([key, value]) => (value === true ? key : `${key} ${String(value)}`))
    .join(" and ");
}

const short = (value: number) => String(Number(value.toPrecision(3)));
