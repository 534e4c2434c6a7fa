/** What a row can hold. */
export const dataFormats = [
  "auto",
  "text",
  "prompt-completion",
  "alpaca",
  "messages",
  "commonsense",
  "gsm8k",
  "classification",
  "cola",
  "sst2",
  "mrpc",
  "stsb",
  "qqp",
  "mnli",
  "qnli",
  "rte",
] as const;
