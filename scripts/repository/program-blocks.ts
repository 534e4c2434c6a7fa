// The TypeScript and JavaScript programs in pages and in the documentation of public names.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { filesUnder } from "./build.ts";

/** A program in a page. */
export interface ProgramBlock {
  readonly page: string;
  /** Line of the page before the program's first. */
  readonly line: number;
  readonly language: "ts" | "js";
  readonly code: string;
}

const languages: Readonly<Record<string, ProgramBlock["language"]>> = {
  ts: "ts",
  typescript: "ts",
  mts: "ts",
  js: "js",
  javascript: "js",
  mjs: "js",
};

/** Every program, in the order of pages and lines. */
export function programBlocks(): ProgramBlock[] {
  const top = readdirSync(packageRoot).filter((name) => name.endsWith(".md"));
  const pages = [...top, ...["docs", "examples", "recipes", "bench"].flatMap(filesUnder)];
  const sources = filesUnder("src").filter((path) => /(?<!\.test)\.ts$/.test(path));
  return [
    ...pages.filter((path) => path.endsWith(".md")).flatMap((page) => blocksIn(page, readPage(page))),
    // In a comment, each line begins with a star.
    ...sources.flatMap((page) => blocksIn(page, readPage(page).replaceAll(/^ *\* ?/gm, ""))),
  ];
}

const readPage = (page: string) => readFileSync(join(packageRoot, page), "utf8");

function blocksIn(page: string, text: string): ProgramBlock[] {
  const fences = text.matchAll(/^( *)```(\w+)\n(.*?)^\1```/gms);
  return [...fences].flatMap(({ index, 2: name = "", 3: code = "" }) => {
    const language = languages[name];
    const line = text.slice(0, index).split("\n").length;
    return language === undefined ? [] : [{ page, line, language, code }];
  });
}
