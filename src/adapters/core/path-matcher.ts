import { messageOf, ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";
import type { MatchTime } from "../../util/timed-regexp.ts";

/**
 * The paths that a pattern matches: a module name, the end of a path, or a `/regular expression/`.
 * @param where the option, for messages
 * @param time for all patterns of the options
 * @throws ScaloraError `config` for an invalid regular expression, or when all of them together take longer than a second
 */
export function matchingPaths(
  pattern: string,
  where: string,
  paths: readonly string[],
  time: MatchTime,
): ReadonlySet<string> {
  const [, source, flags] = /^\/(.*)\/([a-z]*)$/s.exec(pattern) ?? [];
  if (source === undefined || flags === undefined)
    return new Set(paths.filter((path) => path === pattern || path.endsWith(`.${pattern}`)));
  try {
    const expression = new RegExp(source, flags.replaceAll(/[gy]/g, ""));
    const matches = time.firstMatches([expression], paths);
    return new Set(paths.filter((_, i) => matches[i] === 0));
  } catch (cause) {
    throw new ScaloraError("config", `The regular expression cannot be used: ${pattern}`, {
      where,
      found: messageOf(cause),
      cause,
    });
  }
}

/**
 * `matchingPaths` of a pattern that some path must match.
 * @param kind what the paths are paths of
 * @throws ScaloraError `config` for a pattern that matches no path, listing names
 */
export function requiredMatches(
  pattern: string,
  { where, paths, kind, time }: { where: string; paths: readonly string[]; kind: string; time: MatchTime },
): ReadonlySet<string> {
  const matches = matchingPaths(pattern, where, paths, time);
  if (matches.size === 0) throw noMatch(pattern, where, paths, kind);
  return matches;
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
