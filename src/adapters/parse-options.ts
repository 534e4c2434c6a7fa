import { z } from "zod";
import { ConfigError, formatKeyPath } from "../schema/config-error.ts";
import { translateIssues } from "../schema/translate-issues.ts";
import { crossKeyIssues, safeParseOptions } from "./check-options.ts";
import type { AdapterConfig } from "./core/method.ts";
import { adapterSchema, methodNamed } from "./registry.ts";

/**
 * Options given in code, checked by their method's schema as a recipe's `adapter` section is, with every default filled in.
 * @throws ConfigError with every problem: unknown keys with the nearest known one, wrong values, and keys that exclude each other
 */
export function parseAdapterOptions(options: Readonly<Record<string, unknown>>): AdapterConfig {
  const schema = adapterSchema();
  const { data, error } = safeParseOptions(schema, options);
  const issues = error
    ? translateIssues(error.issues, z.toJSONSchema(schema, { io: "input" }), options)
    : crossKeyIssues(methodNamed(data.method), options, {}).map(({ path: [, ...path], ...issue }) => ({
        path,
        ...issue,
      }));
  if (data !== undefined && issues.length === 0) return data;
  throw new ConfigError(
    "The adapter",
    issues.map(({ path, ...issue }) => ({
      where: "the options given in code",
      key: formatKeyPath(["adapter", ...path]),
      ...issue,
    })),
  );
}
