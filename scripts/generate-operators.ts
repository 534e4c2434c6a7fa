// Writes src/torch/operators.generated.ts: a typed function for each line of src/torch/operators.txt, made of the schema
// that libtorch's dispatcher has for it. What the schema requires goes by position; what has a default, may be None or is
// keyword-only goes by name, in one object at the end. With --check, fails when the file on disk differs.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { readSetup, setupCommand } from "../src/setup/manifest.ts";
import { packageRoot } from "../src/setup/paths.ts";
import { elementAt } from "../src/util/elements.ts";

const listFile = join(packageRoot, "src/torch/operators.txt");
const outputFile = join(packageRoot, "src/torch/operators.generated.ts");

const setup = readSetup();
if (!setup) throw new Error(`libtorch is not set up; run \`${setupCommand}\``);
const addon: { schema(name: string, overload: string): string; version(): string } = createRequire(
  import.meta.url,
)(setup.addon);

interface Argument {
  name: string;
  type: string;
  oneForMany: boolean;
  fallback: string | undefined;
  keywordOnly: boolean;
}

interface Parameter {
  name: string;
  ts: string;
  /** Goes into the object at the end. */
  named: boolean;
  required: boolean;
  /** What it is unless given, in words. */
  fallback: string;
  /** The expression that passes it to the addon. */
  pass: string;
}

interface Result {
  ts: string;
  /** What the addon returns. */
  raw: string;
  convert: (call: string) => string;
  statement?: boolean;
}

/** Splits at commas outside brackets. */
function splitTopLevel(text: string) {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const character of text) {
    if ("([".includes(character)) depth++;
    if (")]".includes(character)) depth--;
    if (character === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += character;
  }
  if (part.trim()) parts.push(part.trim());
  return parts;
}

const reserved = new Set(["this", "in", "default", "function", "var"]);
const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const argumentName = (name: string) => (reserved.has(name) ? `${name}_` : camelCase(name));

function parseArguments(text: string): Argument[] {
  const parts = splitTopLevel(text);
  const star = parts.indexOf("*");
  return parts.flatMap((part, index) =>
    index === star ? [] : [parseArgument(part, star !== -1 && index > star)],
  );
}

function parseArgument(text: string, keywordOnly: boolean): Argument {
  const match = /^(.*?) (\w+)(?:=(.*))?$/.exec(text);
  if (match === null) throw new Error(`cannot read the argument "${text}"`);
  const [, type = "", name = "", fallback] = match;
  const bare = type.replace(/\([a-z!*|> -]+\)/g, "").replace(/\[\d+\]/g, "[]");
  return { name: argumentName(name), type: bare, oneForMany: /\[\d+\]/.test(type), fallback, keywordOnly };
}

const scalarTypes: Record<string, string | undefined> = {
  Tensor: "Tensor",
  int: "number",
  SymInt: "number",
  float: "number",
  bool: "boolean",
  Scalar: "number",
  str: "string",
  Device: "string",
  ScalarType: "DType",
  Layout: "number",
  MemoryFormat: "number",
  Generator: "Generator",
};

function tsType({ type, oneForMany }: Argument): string {
  const optional = type.endsWith("?");
  const base = optional ? type.slice(0, -1) : type;
  const list = /^(\w+)(\??)\[\]$/.exec(base);
  let ts = list ? `readonly ${scalarTypes[elementAt(list, 1)]}[]` : scalarTypes[base];
  if (ts === undefined || ts.includes("undefined")) throw new Error(`no TypeScript type for ${type}`);
  if (list?.[2]) ts = `readonly (${scalarTypes[elementAt(list, 1)]} | null)[]`;
  if (oneForMany) ts += " | number";
  return optional ? `${ts} | null` : ts;
}

/** The expression that passes an argument to the addon. */
function passed(type: string, expression: string, required: boolean): string {
  const base = type.replace(/\?$/, "");
  const handle = required ? `${expression}.handle` : `handleOf(${expression})`;
  const conversions: Record<string, string | undefined> = {
    Tensor: handle,
    Generator: handle,
    ScalarType: `dtypeCode(${expression})`,
    "Tensor[]": `handlesOf(${expression})`,
    "Tensor?[]": `handlesOf(${expression})`,
  };
  return conversions[base] ?? expression;
}

/** An operator that makes a tensor of none has no default for its device: it is that of what the tensor stands beside. */
function withoutDeviceDefault(args: readonly Argument[]): readonly Argument[] {
  if (args.some(({ type }) => type.startsWith("Tensor"))) return args;
  return args.map((argument) =>
    argument.type === "Device?" ? { ...argument, type: "Device", fallback: undefined } : argument,
  );
}

function convertArguments(args: readonly Argument[]): Parameter[] {
  const isRequired = ({ type, fallback }: Argument) => fallback === undefined && !type.endsWith("?");
  const isNamed = (argument: Argument) => argument.keywordOnly || !isRequired(argument);
  const access = args.some((argument) => isNamed(argument) && isRequired(argument))
    ? "options."
    : "options?.";
  return args.map((argument) => {
    const required = isRequired(argument);
    const named = isNamed(argument);
    return {
      name: argument.name,
      ts: required ? tsType(argument) : `${tsType(argument)} | undefined`,
      named,
      required,
      fallback: describeDefault(argument.fallback),
      pass: passed(argument.type, named ? access + argument.name : argument.name, required),
    };
  });
}

function describeDefault(fallback = "None"): string {
  return { None: "none", True: "true", False: "false" }[fallback] ?? fallback;
}

/** The function's parameter list. */
function parameterList(parameters: readonly Parameter[]): string {
  const positional = parameters.filter(({ named }) => !named).map(({ name, ts }) => `${name}: ${ts}`);
  const named = parameters.filter((parameter) => parameter.named);
  if (named.length === 0) return positional.join(", ");
  const fields = named.map(
    ({ name, ts, required }) => `    readonly ${name}${required ? "" : "?"}: ${ts};\n`,
  );
  const mark = named.some(({ required }) => required) ? "" : "?";
  const lines = [...positional, `options${mark}: {\n${fields.join("")}  }`].map((line) => `  ${line},\n`);
  return `\n${lines.join("")}`;
}

function docs(schema: string, parameters: readonly Parameter[]): string {
  const optional = parameters.filter(({ named, required }) => named && !required);
  if (optional.length === 0) return `/** \`${schema}\` */`;
  const defaults = optional.map(({ name, fallback }) => `\`${name}\` ${fallback}`);
  return `/**\n * \`${schema}\`\n * @param options unless given: ${defaults.join(", ")}\n */`;
}

const asIs: (call: string) => string = (call) => call;
const resultTypes: Record<string, Result | undefined> = {
  Tensor: { ts: "Tensor", raw: "number", convert: (call) => `wrap(${call})` },
  "Tensor[]": { ts: "Tensor[]", raw: "number[]", convert: (call) => `wrapAll(${call})` },
  bool: { ts: "boolean", raw: "boolean", convert: asIs },
  int: { ts: "number", raw: "number", convert: asIs },
  SymInt: { ts: "number", raw: "number", convert: asIs },
  float: { ts: "number", raw: "number", convert: asIs },
};

/** Result type, what the addon returns, and how it becomes the result. Arguments written in place are not returned. */
function convertResult(text: string, args: Parameter[]): Result {
  const returns = splitTopLevel(text.replace(/^\((.*)\)$/, "$1")).filter((part) => part !== "");
  const written = returns.filter((part) => part.includes("!"));
  const fresh = returns
    .filter((part) => !part.includes("!"))
    .map((part) => part.replace(/\([a-z!*|> -]+\)/g, "").split(" ")[0]);
  if (fresh.length === 0) {
    if (written.length !== 1 || args[0]?.ts !== "Tensor") {
      return { ts: "void", raw: "undefined", convert: asIs, statement: true };
    }
    const convert = (call: string) => `${call};\n  return ${elementAt(args, 0).name}`;
    return { ts: "Tensor", raw: "undefined", convert, statement: true };
  }
  const [only = "", ...others] = fresh;
  const single = others.length === 0 ? resultTypes[only] : undefined;
  if (single !== undefined) return single;
  if (fresh.every((type) => type === "Tensor")) {
    const tuple = (type: string) => `[${fresh.map(() => type).join(", ")}]`;
    return { ts: tuple("Tensor"), raw: tuple("number"), convert: (call) => `wrapTuple(${call})` };
  }
  throw new Error(`no TypeScript type for the result ${text}`);
}

function emit(alias: string, target: string) {
  const [name = "", overload = ""] = target.split(".");
  const schema = addon.schema(name, overload);
  const arrow = schema.lastIndexOf(" -> ");
  const inner = schema.slice(schema.indexOf("(") + 1, schema.lastIndexOf(")", arrow));
  const parameters = convertArguments(withoutDeviceDefault(parseArguments(inner)));
  const { ts, raw, convert, statement } = convertResult(schema.slice(arrow + 4), parameters);
  const call = `(${alias}$ ??= bind<${raw}>("${name}", "${overload}"))(${parameters.map(({ pass }) => pass).join(", ")})`;
  return [
    `let ${alias}$: NativeOperator<${raw}> | undefined;`,
    docs(schema, parameters),
    `export function ${alias}(${parameterList(parameters)}): ${ts} {`,
    statement ? `  ${convert(call)};` : `  return ${convert(call)};`,
    "}",
    "",
  ].join("\n");
}

const entries = readFileSync(listFile, "utf8")
  .split("\n")
  .filter((line) => line.trim() && !line.startsWith("#"))
  .map((line) => line.split("=").map((part) => part.trim()));
const header = `// Written by scripts/generate-operators.ts from operators.txt and the schemas of libtorch ${addon.version()}. Do not edit.
import type { NativeOperator } from "../native/addon.ts";
import { bind, handleOf, handlesOf, wrap, wrapAll, wrapTuple } from "./dispatch.ts";
import { type DType, dtypeCode } from "./dtype.ts";
import type { Generator } from "./generator.ts";
import type { Tensor } from "./tensor.ts";

`;
const output = header + entries.map(([alias = "", target = ""]) => emit(alias, target)).join("\n");
if (process.argv.includes("--check")) {
  if (readFileSync(outputFile, "utf8") !== output) {
    process.stderr.write(
      "src/torch/operators.generated.ts is stale: run `node scripts/generate-operators.ts`\n",
    );
    process.exit(1);
  }
} else {
  writeFileSync(outputFile, output);
  process.stderr.write(`${entries.length} operators written to ${outputFile}\n`);
}
