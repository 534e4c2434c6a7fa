import { shellQuote } from "../util/shell-quote.ts";

/** What resumes a run, for who has called a command and for who writes a program. */
export const howToResume = (path: string): string =>
  `\`npx scalora train --resume ${shellQuote(path)}\` (in a program: fineTune({ resume }))`;
