import { messageOf, ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";
import { testWithinTime } from "../../util/timed-regexp.ts";

/**
 * The test that a pattern (a module name, the end of a path, or a `/regular expression/`) stands for.
 * @param where the option, for messages
 * @throws ScaloraError `config` for a regular expression that is none; the test, for one that takes longer than a second
 */
export function patternTest(pattern: string, where: string): (path: string) => boolean {
  const [, source, flags] = /^\/(.*)\/([a-z]*)$/s.exec(pattern) ?? [];
  if (source !== undefined && flags !== undefined) return regularExpression(source, flags, where);
  return (path) => path === pattern || path.endsWith(`.${pattern}`);
}

/**
 * `patternTest` of a pattern that some path must pass.
 * @param kind what the paths are paths of
 * @throws ScaloraError `config` for a pattern that no path passes, listing names
 */
export function matcher(
  pattern: string,
  where: string,
  paths: readonly string[],
  kind: "linear layer" | "module" = "linear layer",
): (path: string) => boolean {
  const matches = patternTest(pattern, where);
  if (!paths.some(matches)) throw noMatch(pattern, where, paths, kind);
  return matches;
}

function regularExpression(source: string, flags: string, where: string): (path: string) => boolean {
  const use = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw new ScaloraError("config", `The regular expression cannot be used: /${source}/${flags}`, {
        where,
        found: messageOf(cause),
        cause,
      });
    }
  };
  const expression = use(() => new RegExp(source, flags.replaceAll(/[gy]/g, "")));
  return (path) => use(() => testWithinTime(expression, path));
}

/** The error for a pattern that matches no path: it lists the names there are, and the nearest. */
export function noMatch(
  pattern: string,
  where: string,
  paths: readonly string[],
  kind: string,
): ScaloraError {
  const names = [...new Set(paths.map(lastPart))];
  const near = nearestName(lastPart(pattern), names);
  return new ScaloraError("config", `"${pattern}" matches no ${kind} of the model`, {
    where,
    expected: `one of ${names.join(", ")}, a longer path such as ${paths[0]}, or a /regular expression/`,
    ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
  });
}

/** The name at the end of a path. */
export const lastPart = (path: string) => path.slice(path.lastIndexOf(".") + 1);
