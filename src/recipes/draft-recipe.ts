import { basename, dirname, extname, resolve } from "node:path";
import { stringify } from "yaml";
import { inspectModel, type ModelFacts } from "../assemble/inspect-model.ts";
import { describeSection, type SectionName } from "../config/index.ts";
import { glueTasks, readRows } from "../data/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatCountOf } from "../util/format.ts";
import { controlCharacters, escapeName } from "../util/quote.ts";
import { type RecognisedFormat, recogniseFormat } from "./recognise-format.ts";

/** Rows that are read to recognise the format, and to find the classes. */
const sampledRows = 10_000;
const formatRows = 20;
/** Maximum sequence length of a new recipe, in tokens. */
const firstMaxLength = 1024;
/** More numbers than these are values of a regression rather than classes. */
const maxNumberedClasses = 20;

/** A recipe as text, and what it was made by. */
export interface RecipeDraft {
  /** YAML with comments. */
  text: string;
  format: string;
  /** Why it is that format. */
  reason: string;
}

export type DraftRecipe = (request: { model: string; data: string; name: string }) => Promise<RecipeDraft>;

type Row = Readonly<Record<string, unknown>>;

/**
 * Drafts a recipe for a model and a file of rows: it recognises the format by the first rows.
 * @throws ScaloraError `model`, `format` or `data` when the model or the file cannot be used
 */
export const draftRecipe: DraftRecipe = async ({ model, data, name }) => {
  const facts = inspectModel(model);
  const glue = facts.limits.classes === undefined ? undefined : recogniseGlue(data);
  const rows = glue === undefined ? await firstRows(data) : [];
  const recognised = glue ?? recognise(rows, data, facts);
  const { format, reason } = recognised;
  const parts = { model, data, name, facts, rows, recognised };
  return { text: recipeText(parts), format, reason };
};

interface Parts {
  model: string;
  data: string;
  name: string;
  facts: ModelFacts;
  rows: readonly Row[];
  recognised: RecognisedFormat;
}

const isRunningText = (path: string) => extname(path).toLowerCase() === ".txt";

/** A file of a GLUE task, by the name of its folder: its columns are not those of other TSV files. */
function recogniseGlue(path: string): RecognisedFormat | undefined {
  if (extname(path).toLowerCase() !== ".tsv") return undefined;
  const folder = basename(dirname(resolve(path)));
  const task = glueTasks.get(folder.toLowerCase().replaceAll(/[^a-z0-9]/g, ""));
  if (task === undefined) return undefined;
  const reason = `a .tsv file in a folder of the task's name, ${folder}; the classes are the task's`;
  return { format: task.name, reason, ignored: [] };
}

async function firstRows(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  if (isRunningText(path)) return rows;
  for await (const { value } of readRows(path)) {
    rows.push(value);
    if (rows.length === sampledRows) break;
  }
  if (rows.length === 0)
    throw new ScaloraError("data", "A data file has no rows", {
      where: path,
      expected: "JSONL, JSON, Parquet, CSV or TSV with rows, or a .txt file",
    });
  return rows;
}

function recognise(
  rows: readonly Row[],
  data: string,
  { limits, hasChatTemplate }: ModelFacts,
): RecognisedFormat {
  const isClassifier = limits.classes !== undefined;
  if (isRunningText(data) && isClassifier)
    throw new ScaloraError("data", "An encoder is trained on texts with labels", {
      where: data,
      expected: "rows with a text and a label",
      found: "running text",
    });
  if (isRunningText(data))
    return {
      format: "text",
      reason: "a .txt file is running text, cut into windows of maxLength",
      ignored: [],
    };
  const recognised = recogniseFormat(rows.slice(0, formatRows), `${data}, first row`, isClassifier);
  if (holdsMessages(rows, recognised) && !hasChatTemplate)
    throw new ScaloraError("data", "These rows need a chat template, and the tokenizer has none", {
      where: data,
      fix: "use a chat model, or put a chat_template.jinja into the model folder",
    });
  return recognised;
}

/** The formats whose prompts and answers may be texts or messages, and the column that tells. */
const answerColumns: ReadonlyMap<string, string> = new Map([
  ["messages", "messages"],
  ["prompt-completion", "completion"],
  ["alpaca", "output"],
  ["preference", "chosen"],
  ["unpaired-preference", "completion"],
]);

/** Whether the first row's answer is messages, which need a chat template. */
function holdsMessages([first = {}]: readonly Row[], { format, columns }: RecognisedFormat): boolean {
  const column = answerColumns.get(format);
  if (column === undefined) return false;
  const answer = first[columns?.[column] ?? column];
  return answer === undefined || (typeof answer === "object" && answer !== null);
}

function recipeText(parts: Parts): string {
  const { name, model, data } = parts;
  const head = [
    `# Fine-tunes ${comment(model)} on ${comment(data)}; drafted by \`scalora init\`.`,
    "# Lines in comments are defaults or examples: take the # away to use them. All keys: npx scalora train --help",
  ];
  const sections = [
    section("model", modelLines(parts)),
    section("adapter", adapterLines()),
    section("data", dataLines(parts)),
    section("train", trainLines()),
    section("run", runLines(name)),
  ];
  return `${[head.join("\n"), ...sections].join("\n\n")}\n`;
}

const section = (name: SectionName, lines: readonly string[]) =>
  `${name}:\n${lines.map((line) => `  ${line}`).join("\n")}`;

/** `key: value`, with the key's description above it. */
function key(name: SectionName, keyName: string, value: unknown, note?: string): string[] {
  return [`# ${note ?? description(name, keyName)}`, `${keyName}: ${yamlValue(value)}`];
}

/** A key with an example, to be taken out of its comment. */
const example = (name: SectionName, keyName: string, value: unknown, note?: string): string[] => [
  `# ${note ?? description(name, keyName)}`,
  `# ${keyName}: ${yamlValue(value)}`,
];

function description(name: SectionName, keyName: string): string {
  const field = describeSection(name).find((each) => each.key === keyName);
  if (field === undefined) return keyName;
  return field.unset === undefined ? field.description : `${field.description}. Default: ${field.unset}`;
}

const yamlEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A value as YAML on one line. */
const yamlValue = (value: unknown) =>
  typeof value === "string" && escapeName(value) !== value
    ? JSON.stringify(value).replaceAll(controlCharacters, yamlEscape)
    : stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();

function modelLines({ model, rows, recognised }: Parts): string[] {
  const labels = recognised.format === "classification" ? labelsIn(rows, recognised) : undefined;
  return [
    ...key("model", "path", model),
    ...(labels === undefined ? [] : key("model", "labels", labels.value, labels.note)),
    ...example("model", "dtype", "bfloat16"),
    ...example("model", "device", "cpu"),
  ];
}

/** The classes that the sampled rows have, or 1 for a regression. */
function labelsIn(rows: readonly Row[], { columns }: RecognisedFormat) {
  const column = columns?.["label"] ?? "label";
  const found = [...new Set(rows.map((row) => row[column]))].filter((label) => label != null);
  const numbers = found.map(Number);
  const isNumeric = found.every((label) => String(label).trim() !== "") && numbers.every(Number.isFinite);
  const where = `in the first ${formatCountOf(rows.length, "row")}`;
  if (!isNumeric)
    return {
      value: found.map(String).sort(),
      note: `The classes that occur ${where}, in the order of their numbers`,
    };
  const largest = Math.max(...numbers);
  const areClasses =
    largest < maxNumberedClasses && numbers.every((label) => Number.isInteger(label) && label >= 0);
  if (areClasses)
    return {
      value: Math.max(2, largest + 1),
      note: `The number of classes: labels go up to ${largest} ${where}`,
    };
  return { value: 1, note: `A regression: labels ${where} are numbers that are no classes` };
}

function adapterLines(): string[] {
  return [
    "# Which method trains; npx scalora ls methods lists them",
    "method: scalora-i",
    ...key("adapter", "rank", 8, "Rank of the adapters: more learns more, and costs more"),
    ...example("adapter", "targetModules", "all-linear"),
  ];
}

function dataLines({ data, facts, rows, recognised }: Parts): string[] {
  const { format, columns, reason, ignored } = recognised;
  const isPrompted = answerColumns.has(format) && !holdsMessages(rows, recognised);
  const maxLength = Math.min(facts.limits.maxLength, firstMaxLength);
  const unread = ignored.length === 0 ? "" : `; not read: ${ignored.map(comment).join(", ")}`;
  return [
    ...key("data", "train", data),
    ...key("data", "format", format, `Recognised by ${comment(reason)}${unread}`),
    ...(columns === undefined ? [] : key("data", "columns", columns)),
    ...(isPrompted && facts.hasChatTemplate ? key("data", "render", "chat") : []),
    ...(format === "metamathqa" ? key("data", "render", "metamath") : []),
    ...key("data", "eval", rows.length === 1 ? "none" : { holdOut: 0.05 }),
    ...key(
      "data",
      "maxLength",
      maxLength,
      `Longest sequence in tokens; longer rows are cut. The model's limit is ${facts.limits.maxLength}`,
    ),
    ...example("data", "tooLong", "drop"),
  ];
}

function trainLines(): string[] {
  return [
    ...key("train", "epochs", 1),
    ...key("train", "batchSize", 8),
    ...example(
      "train",
      "lr",
      2e-4,
      "Peak learning rate; sweep it, it matters more than the method. Default: the method's preset",
    ),
    ...example("train", "accumulate", 4),
    ...example("train", "patience", 3),
    ...example("train", "seed", 1),
  ];
}

function runLines(name: string): string[] {
  return [
    ...key("run", "folder", "runs"),
    ...example("run", "name", `${name}-1`),
    ...example("run", "reportTo", ["tensorboard"]),
  ];
}

/** A text within a comment: on one line. */
const comment = (text: string) => escapeName(text).replaceAll(/\s+/g, " ");
