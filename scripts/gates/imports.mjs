// Checks every import under src against the table of docs/architecture.md, and that no files import each other in a circle.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { filesUnder } from "../repository/build.mjs";
import { packageRoot } from "../setup/locate.mjs";

/**
 * @typedef {{ folder: string, typesOnly: boolean }} Permission
 * @typedef {{ specifier: string, typeOnly: boolean, line: number }} Import
 */

const documentPath = "docs/architecture.md";

/** Rows such as "| `src/train` | what it holds | torch, adapters/core, config (types) |". @returns {Map<string, Permission[]>} */
function readTable() {
  const rows = new Map();
  for (const line of readFileSync(join(packageRoot, documentPath), "utf8").split("\n")) {
    const match = /^\| `(src\/[^`]+)` \|.*\| ([^|]+) \|$/.exec(line);
    if (match === null) continue;
    const names = match[2] === "—" ? [] : match[2].split(",").map((name) => name.trim());
    rows.set(match[1], names.map(permission));
  }
  return rows;
}

/** @param {string} name */
function permission(name) {
  const folder = name.replace(/ \(types\)$/, "");
  return { folder: folder.startsWith("scripts/") ? folder : `src/${folder}`, typesOnly: folder !== name };
}

/** The row of a file: the longest that it lies under. @param {string} file @param {Map<string, Permission[]>} table */
function rowOf(file, table) {
  const rows = [...table.keys()].filter((row) => isUnder(file, row));
  return rows.sort((a, b) => b.length - a.length)[0];
}

/** @param {string} file @param {string} folder */
function isUnder(file, folder) {
  return file === folder || file.startsWith(`${folder}/`) || file === `${folder}.ts`;
}

/** @param {string} file @returns {Import[]} */
function importsOf(file) {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(packageRoot, file), "utf8"),
    ts.ScriptTarget.Latest,
  );
  /** @type {Import[]} */
  const found = [];
  const add = (/** @type {ts.Node} */ node, /** @type {boolean} */ typeOnly) => {
    if (!ts.isStringLiteral(node)) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ specifier: node.text, typeOnly, line });
  };
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly === true);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Why an import is not allowed, or undefined. @param {string} file @param {string} target @param {Import} found @param {Map<string, Permission[]>} table */
function objection(file, target, { typeOnly }, table) {
  const row = rowOf(file, table);
  if (row === undefined) return `is in no row of ${documentPath}`;
  if (isUnder(target, row) || isUnder(target, "src/util")) return undefined;
  if (/\.test\.ts$|\/testing\//.test(file)) {
    return isUnder(target, "src/native") ? "is a test, and only src/torch imports src/native" : undefined;
  }
  const allowed = (table.get(row) ?? []).filter(({ folder }) => isUnder(target, folder));
  if (allowed.length === 0) return `(${row}) may not import it`;
  return allowed.every(({ typesOnly }) => typesOnly) && !typeOnly
    ? `(${row}) may import only types from it`
    : undefined;
}

/** Circles of imports, those of types included; each once, as the files it goes through. @param {Map<string, string[]>} graph */
function circlesIn(graph) {
  /** @type {string[][]} */
  const circles = [];
  /** @type {Set<string>} */
  const done = new Set();
  /** @param {string} file @param {string[]} path */
  const follow = (file, path) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const target of graph.get(file) ?? []) follow(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) follow(file, []);
  return circles;
}

const table = readTable();
if (table.size === 0) throw new Error(`${documentPath} has no table of folders`);
let wrong = 0;
/** @type {Map<string, string[]>} */
const graph = new Map();
for (const file of filesUnder("src").filter((name) => name.endsWith(".ts"))) {
  const targets = [];
  for (const found of importsOf(file)) {
    if (!found.specifier.startsWith(".")) continue;
    const target = normalize(join(dirname(file), found.specifier)).replace(/\.js$/, ".ts");
    targets.push(target);
    const reason = objection(file, target, found, table);
    if (reason === undefined) continue;
    wrong += 1;
    console.log(`${file}:${found.line} imports ${target}: ${file} ${reason}`);
  }
  graph.set(file, targets);
}
for (const circle of circlesIn(graph)) {
  wrong += 1;
  console.log(`files import each other: ${circle.join(" → ")}`);
}
process.exitCode = wrong === 0 ? 0 : 1;
