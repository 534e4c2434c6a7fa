import { basename, join, resolve } from "node:path";
import { unusedRunName } from "../config/index.ts";
import { isFreeForRun } from "../run/lock-run.ts";
import { expandHome } from "../util/expand-home.ts";
import { definedFields, isRecord } from "../util/json.ts";
import { isClaimed } from "./claim-folder.ts";
import type { WrittenRecipe } from "./messages.ts";
import type { FineTuneData, FineTuneOptions, MethodName, Row } from "./options.ts";

/** A recipe made of options, unchecked, with the rows that stand for files in it. */
export interface RecipeAndRows {
  readonly recipe: WrittenRecipe;
  readonly rows: { readonly train?: readonly Row[]; readonly eval?: readonly Row[] };
  /** The run's folder. */
  readonly folder: string;
}

/** Makes a recipe of what `fineTune` is told. */
export function writtenRecipe<Name extends MethodName>(options: FineTuneOptions<Name>): RecipeAndRows {
  const { signal: _, data, method = "lora", ...sections } = options;
  const model = typeof options.model === "string" ? { path: options.model } : options.model;
  const adapter = typeof method === "string" ? { method } : method;
  const wanted: unknown = options.run ?? undefined;
  const given = textsOf(isRecord(wanted) ? wanted : {});
  const chosen = chooseFolder(given, `${nameOf(model)}-${adapter?.method}`);
  // What is no text stays, so that the check of the recipe refuses it.
  const run = isSection(wanted)
    ? { ...chosen, ...wanted, ...(given.folder && { folder: chosen.folder }) }
    : wanted;
  const { section, rows } = filesAndRows(data);
  const recipe = { ...definedFields(sections), model, adapter, data: section, run };
  return { recipe, rows, folder: join(chosen.folder, chosen.name) };
}

/** Whether it is a section of a recipe, or left out. */
const isSection = (value: unknown): value is Readonly<Record<string, unknown>> | undefined =>
  value === undefined || isRecord(value);

/** Folder and name, where they are such. */
function textsOf({ folder, name }: Readonly<Record<string, unknown>>) {
  return {
    folder: typeof folder === "string" ? folder : undefined,
    name: typeof name === "string" || typeof name === "number" ? String(name) : undefined,
  };
}

function chooseFolder(
  { folder = "runs", name }: ReturnType<typeof textsOf>,
  usual: string,
): { folder: string; name: string } {
  const parent = resolve(expandHome(folder));
  const isTaken = (path: string) => isClaimed(path) || !isFreeForRun(path);
  return { folder: parent, name: name ?? unusedRunName(parent, usual, isTaken) };
}

/** What a model is called; a program without types may have left it out, which the thread says. */
function nameOf(model: { readonly path?: unknown } | undefined): string {
  const path = model?.path;
  return typeof path === "string" ? basename(path).replace(/\.gguf$/i, "") : "model";
}

/** The section `data` of a recipe, without the rows that it was given. */
function filesAndRows(data: FineTuneOptions["data"]): {
  section: Readonly<Record<string, unknown>>;
  rows: RecipeAndRows["rows"];
} {
  if (typeof data === "string" || isFiles(data)) return { section: { train: data }, rows: {} };
  if (isRows(data)) return { section: {}, rows: { train: data } };
  const { train, eval: held, ...how }: Partial<FineTuneData> = data ?? {};
  return {
    section: {
      ...how,
      ...(train !== undefined && !isRows(train) && { train }),
      ...(held !== undefined && !isRows(held) && { eval: held }),
    },
    rows: { ...(isRows(train) && { train }), ...(isRows(held) && { eval: held }) },
  };
}

/** The keys of a file of examples. */
const fileKeys: ReadonlySet<string> = new Set(["path", "weight", "format", "columns", "render", "separator"]);

const isFiles = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

/** Whether these are rows, and no list of files. */
function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && !value.every(isFile);
}

const isFile = (each: unknown) =>
  typeof each === "string" ||
  (isRecord(each) && "path" in each && Object.keys(each).every((key) => fileKeys.has(key)));
