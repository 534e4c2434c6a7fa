// Checks every import under src against the table of docs/architecture.md, and that no files import each other in a circle.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { packageRoot } from "../../src/setup/locate.ts";
import { filesUnder } from "../repository/build.ts";
import { isTest, isUnder, readTable, roomOf, tablePath } from "../repository/import-table.ts";

interface Import {
  specifier: string;
  typeOnly: boolean;
  line: number;
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(packageRoot, file), "utf8"),
    ts.ScriptTarget.Latest,
  );
  const found: Import[] = [];
  const add = (node: ts.Node, typeOnly: boolean) => {
    if (!ts.isStringLiteral(node)) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ specifier: node.text, typeOnly, line });
  };
  const visit = (node: ts.Node) => {
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

/** Why an import is not allowed, or undefined. */
function objection(file: string, target: string, { typeOnly }: Import) {
  const room = roomOf(file, rows);
  if (room === undefined) return `is in no row of ${tablePath}`;
  if (isUnder(target, room.folder) || isUnder(target, "src/util")) return undefined;
  if (isTest(file)) {
    return isUnder(target, "src/native") ? "is a test, and only src/torch imports src/native" : undefined;
  }
  const allowed = room.permissions.filter(({ folder }) => isUnder(target, folder));
  if (allowed.length === 0) return `(${room.folder}) may not import it`;
  return allowed.every(({ typesOnly }) => typesOnly) && !typeOnly
    ? `(${room.folder}) may import only types from it`
    : undefined;
}

/** Circles of imports, those of types included; each once, as the files it goes through. */
function circlesIn(graph: Map<string, string[]>) {
  const circles: string[][] = [];
  const done: Set<string> = new Set();
  const follow = (file: string, path: string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const target of graph.get(file) ?? []) follow(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) follow(file, []);
  return circles;
}

const rows = readTable();
let wrong = 0;
const graph: Map<string, string[]> = new Map();
for (const file of filesUnder("src").filter((name) => name.endsWith(".ts"))) {
  const targets = [];
  for (const found of importsOf(file)) {
    if (!found.specifier.startsWith(".")) continue;
    const target = normalize(join(dirname(file), found.specifier)).replace(/\.js$/, ".ts");
    targets.push(target);
    const reason = objection(file, target, found);
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
