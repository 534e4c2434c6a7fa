import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { glueTasks } from "../data/index.ts";
import { textTasks } from "../eval/tasks/index.ts";
import { modelFamilies } from "../models/index.ts";
import { statsOf } from "../util/read-file.ts";

/** The supported model families, by the `model_type` of their `config.json`. */
export const listModels = modelFamilies;

/** A task that models are scored on. */
interface TaskEntry {
  task: string;
  /** What it scores: a decoder by `scalora eval --tasks`, an encoder by `scalora eval --format`. */
  model: "decoder" | "encoder";
  /** Possible names of its data folder. */
  folders: readonly string[];
  /** The columns of its rows, by the names that `--columns` takes. */
  columns: readonly string[];
  description: string;
}

/** The tasks of decoders, and GLUE's for encoders. */
export function listTasks(): TaskEntry[] {
  const ofDecoders = [...textTasks.values()].map(({ name, folders, columns, description }) => ({
    task: name,
    model: "decoder" as const,
    folders,
    columns,
    description,
  }));
  const ofEncoders = [...glueTasks.values()].map(
    ({ name, folder, textColumns, labelColumns, description }) => ({
      task: name,
      model: "encoder" as const,
      folders: [folder],
      columns: [...textColumns, labelColumns].flatMap(([column]) => column ?? []),
      description,
    }),
  );
  return [...ofDecoders, ...ofEncoders];
}

export interface RecipeEntry {
  path: string;
  /** First sentence of the comment at the top of the file. */
  description: string;
}

/** The recipes and plans in the given folders and below them, sorted by path; missing folders are skipped. */
export function listRecipes(folders: readonly string[]): RecipeEntry[] {
  const paths = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(folder, name)),
  );
  const files = paths.filter((path) => statsOf(path)?.isFile()).sort();
  return files.map((path) => ({ path, description: firstSentence(readFileSync(path, "utf8")) }));
}

/** A sentence ends with its line, or goes on in the next one of the comment. */
function firstSentence(text: string): string {
  const [head = ""] = text.split(/^[^#\s]/m);
  const comment = /(?:^#.*\n?)+/m.exec(head)?.[0] ?? "";
  const lines = comment.split("\n").map((line) => line.replace(/^#+\s*/, "").trim());
  const [first = "", ...more] = lines.slice(lines.findIndex((line) => line !== ""));
  let sentence = first;
  for (const line of more) {
    if (line === "" || /[.!?:]$|[.!?] /.test(sentence)) break;
    sentence += ` ${line}`;
  }
  return /^.*?[.!?](?= [A-Z])/.exec(sentence)?.[0] ?? sentence;
}
