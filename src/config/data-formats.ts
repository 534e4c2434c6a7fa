/** What a row can hold. */
export const dataFormats = [
  "auto",
  "text",
  "prompt-completion",
  "alpaca",
  "messages",
  "commonsense",
  "gsm8k",
  "metamathqa",
  "preference",
  "unpaired-preference",
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

/** How a prompt becomes text. */
export const renderStyles = ["plain", "chat", "llm-adapters", "metamath"] as const;
