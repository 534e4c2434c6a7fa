import { ScaloraError } from "../../util/errors.ts";

/** Answers of the eight commonsense sets of LLM-Adapters: `true`, `answer3`, `ending1`. */
const answers = /^(true|false|(answer|option|ending|solution)\d+)$/;

/** @throws ScaloraError `data` for an answer that none of the commonsense sets has: the row is of another task of the same columns */
export function checkCommonsenseAnswer(answer: unknown, where: string): void {
  if (answers.test(String(answer).trim())) return;
  throw new ScaloraError("data", "A row has an answer that no commonsense set has", {
    where,
    expected: "true, false, or answer, option, ending or solution with a number",
    found: JSON.stringify(answer) ?? "nothing",
    fix: "set data.format: gsm8k for maths, or alpaca for other instructions and outputs",
  });
}
