import { readFileSync } from "node:fs";
import nodeModule, { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** A file of the chart library, as text. */
export function chartLibrary(file: "uPlot.iife.min.js" | "uPlot.min.css"): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${file}`), "utf8");
}

/** The ending of modules here: `.js` in the package, `.ts` in a clone. */
export const moduleEnding = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/**
 * A module as JavaScript for the browser: the package's compiled file, or in a clone the source without its types.
 * @param url of the module, with `moduleEnding`
 */
export function browserModule(url: URL): string {
  const text = readFileSync(fileURLToPath(url), "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
  return moduleEnding === ".ts" ? withoutTypes(text) : text;
}

/** Node warns of the function, in the middle of what a program prints; the files that it is for here are our own. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return nodeModule.stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The script of a report: its modules in one, because a page in one file has none to import. */
export function reportScript(): string {
  const names = ["axis-range", "chart-series", "draw-chart", "embedded-charts"];
  const modules = names.map((name) =>
    browserModule(new URL(`./page/${name}${moduleEnding}`, import.meta.url)),
  );
  return modules.map((text) => text.replaceAll(/^import [^;]*;$/gm, "")).join("\n");
}
