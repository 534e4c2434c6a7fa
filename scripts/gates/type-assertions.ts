// Checks that src tells the compiler nothing that it cannot see for itself: no `x as T` but `as const`, and no `<T>x`.
// Tests may, and so may src/native, the typed mirror of the addon.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { packageRoot } from "../../src/setup/paths.ts";
import { filesUnder } from "../repository/build.ts";

const exempt = /\.test\.ts$|\/testing\/|^src\/native\//;

function isAssertion(node: ts.Node) {
  if (ts.isTypeAssertionExpression(node)) return true;
  return ts.isAsExpression(node) && !ts.isConstTypeReference(node.type);
}

let wrong = 0;
for (const file of filesUnder("src").filter((name) => name.endsWith(".ts") && !exempt.test(name))) {
  const text = readFileSync(join(packageRoot, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const visit = (node: ts.Node) => {
    if (isAssertion(node)) {
      wrong += 1;
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      console.log(`${file}:${line + 1} asserts a type: ${node.getText(source)}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
process.exitCode = wrong === 0 ? 0 : 1;
