import { parse } from "yaml";
import type { Method } from "../adapters/core/method.ts";
import { listMethods, methodNamed } from "../adapters/registry.ts";
import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import type { Candidate } from "./candidates.ts";
import { candidatesOf, splitSweep } from "./sweep-options.ts";

/** One row of a comparison: a method with its settings, and what its sweep tries. */
export interface Setting {
  /** As given on the command line: `lora`, `scalora-i+rank=1`. */
  readonly name: string;
  readonly method: string;
  /** Keys of the adapter section that differ from the recipe. */
  readonly adapterOverrides: Readonly<Record<string, unknown>>;
  readonly candidates: readonly Candidate[];
}

/** Factors of a method's preset learning rate for the default sweep. */
const defaultLrFactors = [1 / 3, 1, 3];

/**
 * Parses the settings to compare.
 * @param methods such as `lora` or `scalora-i+rank=1+scale={columnNorm: 0.5}`: a method, then keys of the adapter section; a list of
 * values of such a key is swept
 * @param lrs lists of learning rates: `1e-3,3e-3` for all methods, `full=1e-4,3e-4` for one method or setting; default: around each
 * method's preset
 * @throws ScaloraError `usage` for unknown methods, invalid rates, rates of settings that are not compared, and duplicate settings
 */
export function readSettings(methods: readonly string[], lrs: readonly string[]): Setting[] {
  const rates = readRates(lrs);
  const settings = methods.map((text) => readSetting(text, rates));
  const twice = settings.find(({ name }, i) => settings.findIndex((other) => other.name === name) < i);
  if (twice) throw new ScaloraError("usage", `--methods names ${twice.name} twice`);
  assertRatesAreUsed(settings, [...rates.keys()]);
  return settings;
}

function readSetting(text: string, rates: ReadonlyMap<string, readonly number[]>): Setting {
  const { name: method, presetLr } = parseMethod(text.trim(), "--methods");
  const keys = text.trim().slice(method.length + 1);
  // A plus sign starts another key only when a key and = follow, so 1e+2 and /a+b/ are not split.
  const changes = keys === "" ? [] : keys.split(/\+(?=[A-Za-z]\w*=)/);
  const known = rates.get(text.trim()) ?? rates.get(method) ?? rates.get("");
  const lrs = known ?? defaultLrFactors.map((factor) => round(presetLr * factor));
  const { fixed, swept } = splitSweep(
    Object.fromEntries(changes.map(parseAdapterOverride)),
    `--methods ${text}`,
  );
  return { name: text.trim(), method, adapterOverrides: fixed, candidates: candidatesOf(lrs, swept) };
}

function assertRatesAreUsed(settings: readonly Setting[], rated: readonly string[]): void {
  const names = settings.flatMap(({ name, method }) => [name, method]);
  const stray = rated.find((name) => name !== "" && !names.includes(name));
  if (stray === undefined) return;
  throw new ScaloraError("usage", `--lrs has rates of ${stray}, which is not compared`, {
    where: "--lrs",
    expected: [...new Set(names)].join(", "),
    found: stray,
    fix: "add it to --methods, or omit its rates",
  });
}

/** The method at the start of a setting: `lora` in `lora+rank=1`, but `lora+` in `lora+` and `lora++rank=1`. */
function parseMethod(setting: string, where: string): Pick<Method, "name" | "presetLr"> {
  const fits = listMethods().filter(({ name }) => setting === name || setting.startsWith(`${name}+`));
  const [method] = fits.sort((a, b) => b.name.length - a.name.length);
  if (method !== undefined) return method;
  const [name = setting] = setting.split("+");
  return findMethod(name, where);
}

/** @throws ScaloraError `usage` for a method that is not there */
export function findMethod(name: string, where: string): Method {
  const known = methodNamed(name);
  if (known !== undefined) return known;
  const names = listMethods().map((method) => method.name);
  const near = nearestName(name, names);
  throw new ScaloraError("usage", `Unknown method "${name}"`, {
    where,
    expected: names.join(", "),
    fix: near === undefined ? undefined : `did you mean ${near}?`,
  });
}

function parseAdapterOverride(text: string): [string, unknown] {
  const equals = text.indexOf("=");
  if (equals <= 0)
    throw new ScaloraError("usage", "A method's setting is malformed", {
      where: "--methods",
      expected: "method+key=value, such as scalora-i+rank=1",
      found: text,
    });
  try {
    return [text.slice(0, equals), parse(text.slice(equals + 1))];
  } catch (cause) {
    throw new ScaloraError("usage", `The value of ${text.slice(0, equals)} is not valid YAML`, {
      where: "--methods",
      found: text.slice(equals + 1),
      cause,
    });
  }
}

/** Learning rates by method or setting; those under "" apply to all others. */
function readRates(lists: readonly string[]): Map<string, number[]> {
  const rates = new Map<string, number[]>();
  for (const list of lists) {
    const equals = list.lastIndexOf("=");
    const name = list.slice(0, Math.max(equals, 0));
    if (name !== "") parseMethod(name, "--lrs");
    const values = list
      .slice(equals + 1)
      .split(",")
      .map(Number);
    if (!values.every((value) => value > 0 && Number.isFinite(value)))
      throw new ScaloraError("usage", "A learning rate is not a number above 0", {
        where: "--lrs",
        expected: "such as 1e-3,3e-3 or full=1e-4,3e-4",
        found: list,
      });
    const twice = values.find((value, i) => values.indexOf(value) < i);
    if (twice !== undefined)
      throw new ScaloraError("usage", `--lrs names the rate ${twice} twice`, { where: "--lrs", found: list });
    rates.set(
      name,
      values.toSorted((a, b) => a - b),
    );
  }
  return rates;
}

/** Rounds to two digits. */
const round = (rate: number) => Number(rate.toPrecision(2));
