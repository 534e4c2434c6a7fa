import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { constString, isNode, type SchemaNode } from "../schema/json-schema-node.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import type { AdapterConfig, Method, OptionsSchema } from "./core/method.ts";

/** Names are parts of file names, of `--methods` and of `--set`. */
const namePattern = /^[a-z0-9][a-z0-9.+_-]*$/;

/**
 * Checks that a method has what the contract asks for.
 * @throws ScaloraError `config` naming the method and what is wrong
 */
export function checkMethod(method: Method): void {
  if (!isRecord(method)) throw refused(method, "it is no object", "a method");
  const { name, summary, presetLr, schema, attach } = method;
  if (typeof name !== "string" || !namePattern.test(name))
    throw refused(name, "its name is not one", 'small letters, digits and . _ + -, such as "my-method"');
  if (typeof summary !== "string" || summary === "")
    throw refused(name, "it has no summary", "one line that says what it trains");
  if (typeof presetLr !== "number" || !Number.isFinite(presetLr) || presetLr <= 0)
    throw refused(name, "it has no preset learning rate", "a finite presetLr above 0");
  if (typeof attach !== "function") throw refused(name, "it has no attach()", "a function");
  checkSchema(name, schema);
}

function checkSchema(name: string, schema: OptionsSchema): void {
  const { properties, additionalProperties } = jsonSchema(name, schema);
  if (constString(properties?.["method"]) !== name)
    throw refused(name, "its schema does not name it", `a field method: z.literal("${name}")`);
  if (additionalProperties !== false)
    throw refused(name, "its schema takes unknown keys", "z.strictObject({ … })");
  const data = parsed(name, schema, { method: name });
  if (data !== undefined && !isDeepStrictEqual(parsed(name, schema, data), data))
    throw refused(
      name,
      "its schema gives other options when its own are parsed again",
      "defaults and transforms that leave what they gave as it is",
    );
}

/** What the schema gives for some options; undefined where it refuses them. */
function parsed(name: string, schema: OptionsSchema, options: object): AdapterConfig | undefined {
  try {
    return schema.safeParse(options).data;
  } catch (cause) {
    throw refused(name, "its schema throws", "checks and transforms that do not throw", messageOf(cause));
  }
}

/** The schema's JSON schema for input, from which messages and `--help` are made. */
function jsonSchema(name: string, schema: OptionsSchema): SchemaNode {
  try {
    const node: unknown = z.toJSONSchema(schema, { io: "input" });
    if (isNode(node)) return node;
  } catch (cause) {
    throw refused(name, "its schema cannot be described", "a zod schema of plain data", messageOf(cause));
  }
  throw refused(name, "it has no schema", "a zod schema");
}

function refused(name: unknown, problem: string, expected: string, found?: string): ScaloraError {
  return new ScaloraError("config", `Method ${String(name)} cannot be registered: ${problem}`, {
    where: `method ${String(name)}`,
    expected,
    ...(found !== undefined && { found }),
  });
}
