// Compares how scalora and math-verify judge generated pairs of answers, of which the truth is known:
//   npm run tool -- tools/compare-answers.ts PAIRS.json                  writes 5,000 pairs (seed 0)
//   python tools/reference/answer_pairs.py PAIRS.json VERDICTS.json
//   npm run tool -- tools/compare-answers.ts PAIRS.json VERDICTS.json    prints how many each judges as the construction does
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { isSameAnswer } from "../src/answers/same-answer.ts";
import { elementAt } from "../src/util/elements.ts";
import { groupBy } from "../src/util/group-by.ts";
import { type AnswerPair, answerPairs } from "./answer-pairs.ts";

const shownOfAKind = 3;
const [pairsPath, verdictsPath] = process.argv.slice(2);
if (pairsPath === undefined) {
  console.error("usage: compare-answers.ts PAIRS.json [VERDICTS.json]");
  process.exit(2);
}
if (verdictsPath === undefined) writeFileSync(pairsPath, JSON.stringify(answerPairs(5000, 0), undefined, 1));
else compare(pairsPath, verdictsPath);

interface Judged extends AnswerPair {
  ours: boolean;
  theirs: boolean;
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
      theirs: elementAt(verdicts, i),
    }),
  );
  const milliseconds = performance.now() - started;
  console.log("| Kind | Pairs | scalora right | math-verify right | both agree |\n|---|---|---|---|---|");
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
  const right = [count((row) => row.ours === row.isEqual), count((row) => row.theirs === row.isEqual)];
  return `| ${kind} | ${rows.length} | ${right.join(" | ")} | ${count((row) => row.ours === row.theirs)} |`;
}
