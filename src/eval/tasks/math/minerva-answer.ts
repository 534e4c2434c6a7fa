/** The last sentence of Minerva's solutions (arXiv 2206.14858, appendix D). */
export const minervaFinalSentence = (answer: string) =>
  `Final Answer: The final answer is $${answer}$. I hope it is correct.`;

/** The answer of an output that ends with Minerva's sentence. */
export function minervaAnswer(output: string): string | undefined {
  const sentence = /Final Answer: The final answer is(.*?). I hope it is correct\./u;
  return sentence.exec(`${output}I hope it is correct.`)?.[1]?.trim();
}

const substitutions: readonly (readonly [from: string, to: string])[] = [
  ["an ", ""],
  ["a ", ""],
  [".$", "$"],
  ["\\$", ""],
  ["\\ ", ""],
  [" ", ""],
  ["mbox", "text"],
  [",\\text{and}", ","],
  ["\\text{and}", ","],
  ["\\text{m}", "\\text{}"],
];

/** The published list's own words, in its order (`childrentickets` is one of them). */
const words =
  "square ways integers dollars mph inches ft hours km units \\ldots sue points feet minutes digits cents degrees cm gm pounds meters meals edges students childrentickets multiples";

/** Removed units and marks, in the order in which they are applied. */
const removedExpressions: readonly string[] = [
  ...words.split(" "),
  "\\text{s}",
  "\\text{.}",
  "\\text{\ns}",
  "\\text{}^2",
  "\\text{}^3",
  "\\text{\n}",
  "\\text{}",
  "\\mathrm{th}",
  "^\\circ",
  "^{\\circ}",
  "\\;",
  ",\\!",
  "{,}",
  '"',
  "\\dots",
];

const isWord = (text: string) => /^[a-z]+$/.test(text);

/** Normalises a final answer by Minerva's rules (lm-evaluation-harness' minerva_math). */
export function normalizeMinervaAnswer(answer: string): string {
  let text = answer.split("=").at(-1) ?? "";
  for (const word of removedExpressions.filter(isWord))
    text = text.replaceAll(new RegExp(`(?<!\\\\)\\b${word}\\b`, "g"), "");
  for (const [from, to] of substitutions) text = text.replaceAll(from, to);
  for (const mark of removedExpressions)
    text = isWord(mark) ? outsideCommands(text, mark) : text.replaceAll(mark, "");
  return withoutSeparators(stripLatexMarkup(text));
}

/** Removes a unit, except within a command (`ft` of `\left`). */
function outsideCommands(text: string, unit: string): string {
  const parts = text.split(/(\\[a-zA-Z]+)/);
  return parts.map((part, i) => (i % 2 === 0 ? part.replaceAll(unit, "") : part)).join("");
}

/** Removes dollar signs, boxes and text commands; `\fracab` becomes `\frac{a}{b}`, `\sqrta` `\sqrt{a}`. */
function stripLatexMarkup(text: string): string {
  return text
    .replaceAll(/.*?\$(.*?)\$.*/gu, (_, inside: string) => `$${inside}$`)
    .replaceAll(/\\text\{(.*?)\}/gu, "$1")
    .replaceAll(/\\textbf\{(.*?)\}/gu, "$1")
    .replaceAll(/\\overline\{(.*?)\}/gu, "$1")
    .replaceAll(/\\boxed\{(.*)\}/gu, "$1")
    .replaceAll(/frac([^{])(.)/gu, "frac{$1}{$2}")
    .replaceAll(/sqrt(\[[^\]]*\])([\p{L}\p{N}_])/gu, "sqrt$1{$2}")
    .replaceAll(/sqrt(?!\[)([^{])/gu, "sqrt{$1}")
    .replaceAll("$", "");
}

/** Removes thousands separators: 100,000 becomes 100000, the pair 0,1 stays. */
function withoutSeparators(text: string): string {
  return /^-?\d{1,3}(,\d{3})+$/.test(text) ? text.replaceAll(",", "") : text;
}
