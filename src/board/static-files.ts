import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { browserModule, chartLibrary, moduleEnding, sharedStyle } from "../report/index.ts";
import { boardStyle } from "./style-sheet.ts";

/** A file that the board serves. */
export interface StaticFile {
  readonly type: string;
  readonly body: string;
}

/** Folders of modules for the browser, with the addresses under which they lie; imports between them are relative. */
const moduleFolders = ["board/page", "report/page"];

/** The packages that the page imports by name. */
const packages = { preact: "/vendor/preact.js", "preact/hooks": "/vendor/preact-hooks.js" };
const importMap = JSON.stringify({ imports: packages });

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 3c3 0 3 9 12 10" fill="none" stroke="#0b6bcb" stroke-width="2.5"/></svg>`;

/**
 * Everything that the board serves but data, by address. No address is ever turned into a path, so there is nothing to
 * escape from.
 */
export function staticFiles(): ReadonlyMap<string, StaticFile> {
  const require = createRequire(import.meta.url);
  const script = (body: string): StaticFile => ({ type: "text/javascript; charset=utf-8", body });
  const packageFile = (name: string) =>
    script(readFileSync(require.resolve(name), "utf8").replace(mapLine, ""));
  return new Map([
    ["/", { type: "text/html; charset=utf-8", body: page() }],
    ["/style.css", { type: "text/css; charset=utf-8", body: styles() }],
    ["/icon.svg", { type: "image/svg+xml", body: icon }],
    ["/vendor/uplot.js", script(chartLibrary("uPlot.iife.min.js"))],
    ["/vendor/preact.js", packageFile("preact")],
    ["/vendor/preact-hooks.js", packageFile("preact/hooks")],
    ...moduleFolders
      .flatMap(modulesIn)
      .map(({ address, url }) => [address, script(browserModule(url))] as const),
  ]);
}

const mapLine = /^\/\/# sourceMappingURL=.*$/m;
const styles = () => `${chartLibrary("uPlot.min.css")}${sharedStyle}${boardStyle}`;

function modulesIn(folder: string) {
  const at = new URL(`../${folder}/`, import.meta.url);
  const names = readdirSync(at).filter(
    (name) => name.endsWith(moduleEnding) && !/\.(test|d)\.ts$/.test(name),
  );
  return names.map((name) => ({ address: `/${folder}/${name}`, url: new URL(name, at) }));
}

/**
 * The content security policy: nothing but the board's own files, and of scripts within the page only the map of imports, by
 * its hash.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash("sha256").update(importMap).digest("base64")}'`,
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function page(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>scalora board</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<script type="importmap">${importMap}</script>
<script src="/vendor/uplot.js" defer></script>
<script type="module" src="/board/page/main${moduleEnding}"></script>
</head>
<body>
<main id="board"><noscript>The board needs JavaScript.</noscript></main>
</body>
</html>
`;
}
