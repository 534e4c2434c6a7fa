// Compares how scalora, the two older rules and math-verify judge pairs of answers of which the truth is known. First the pairs:
//   npm run tool -- tools/compare-answers.ts generate PAIRS.json    5,000 generated ones (seed 0)
//   npm run tool -- tools/compare-answers.ts by-hand PAIRS.json     those of the tests
//   python tools/reference/math_verify_tests.py CLONE PAIRS.json    those of math-verify's own tests
// then the verdicts, and how many are as they should be:
//   python tools/reference/answer_pairs.py PAIRS.json VERDICTS.json
//   npm run tool -- tools/compare-answers.ts judge PAIRS.json VERDICTS.json
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { isSameAnswer } from "../src/answers/same-answer.ts";
import { different, equalByKind } from "../src/answers/testing/pairs-by-hand.ts";
import { isEquivalent } from "../src/eval/tasks/math/latex-equivalence.ts";
import { normalizeMinervaAnswer } from "../src/eval/tasks/math/minerva-answer.ts";
import { elementAt } from "../src/util/elements.ts";
import { groupBy } from "../src/util/group-by.ts";
import { type AnswerPair, answerPairs } from "./answer-pairs.ts";

const shownOfAKind = 3;
const [action, pairsPath, verdictsPath] = process.argv.slice(2);
if (action === "generate" && pairsPath !== undefined) write(pairsPath, answerPairs(5000, 0));
else if (action === "by-hand" && pairsPath !== undefined) write(pairsPath, pairsByHand());
else if (action === "judge" && pairsPath !== undefined && verdictsPath !== undefined)
  compare(pairsPath, verdictsPath);
else {
  console.error("usage: compare-answers.ts generate|by-hand PAIRS.json, or judge PAIRS.json VERDICTS.json");
  process.exit(2);
}

interface Judged extends AnswerPair {
  ours: boolean;
  /** By MATH's rule or Minerva's. */
  older: boolean;
  theirs: boolean;
}

function write(path: string, pairs: readonly AnswerPair[]): void {
  writeFileSync(path, JSON.stringify(pairs, undefined, 1));
}

function pairsByHand(): AnswerPair[] {
  const pairsOf = (kind: string, pairs: readonly (readonly [string, string])[], isEqual: boolean) =>
    pairs.map(([a, b]) => ({ kind, a, b, isEqual }));
  return [
    ...pairsOf("equal", Object.values(equalByKind).flat(), true),
    ...pairsOf("different", different, false),
  ];
}

function compare(pairsPath: string, verdictsPath: string): void {
  const pairs = z
    .array(z.object({ kind: z.string(), a: z.string(), b: z.string(), isEqual: z.boolean() }))
    .parse(JSON.parse(readFileSync(pairsPath, "utf8")));
  const verdicts = z.array(z.boolean()).parse(JSON.parse(readFileSync(verdictsPath, "utf8")));
  const started = performance.now();
  const judged = pairs.map(
    (pair, i): Judged => ({
      ...pair,
      ours: isSameAnswer(pair.a, pair.b),
      older:
        isEquivalent(pair.a, pair.b) || normalizeMinervaAnswer(pair.a) === normalizeMinervaAnswer(pair.b),
      theirs: elementAt(verdicts, i),
    }),
  );
  const milliseconds = performance.now() - started;
  console.log(
    "| Kind | Pairs | scalora right | older rules right | math-verify right | both agree |\n|---|---|---|---|---|---|",
  );
  for (const rows of groupBy(judged, (row) => row.kind)) console.log(rowOf(rows[0].kind, rows));
  console.log(rowOf("all", judged));
  console.log(`\n${(milliseconds / judged.length).toFixed(2)} ms a pair`);
  const disputed = judged.filter(({ ours, theirs, isEqual }) => ours !== theirs || ours !== isEqual);
  for (const rows of groupBy(disputed, (row) => row.kind)) {
    console.log(`\n${rows[0].kind}:`);
    for (const { a, b, isEqual, ours, theirs } of rows.slice(0, shownOfAKind))
      console.log(`  ${a}  |  ${b}  equal ${isEqual}, scalora ${ours}, math-verify ${theirs}`);
  }
}

function rowOf(kind: string, rows: readonly Judged[]): string {
  const count = (holds: (row: Judged) => boolean) => rows.filter(holds).length;
  const right = (["ours", "older", "theirs"] as const).map((rule) =>
    count((row) => row[rule] === row.isEqual),
  );
  return `| ${kind} | ${rows.length} | ${right.join(" | ")} | ${count((row) => row.ours === row.theirs)} |`;
}
