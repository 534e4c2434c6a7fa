const contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const notWord = String.raw`[^\r\n\p{L}\p{N}]`;
const spaces = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
/** Llama 3's and its descendants', which differ in the number of digits. */
const words = (digits: string) =>
  String.raw`${contractions}|${notWord}?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${spaces}`;
/** GPT-4o's and its descendants'. */
const cased = (contraction: string, digits: string) =>
  String.raw`${notWord}?${upper}*${lower}+${contraction}|${notWord}?${upper}+${lower}*${contraction}|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${spaces}`;
const punctuation = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${"`"}{|}~][A-Za-z]+`;
const han = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]`;
const notHan = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]`;

/** Expressions of published tokenizers, in Oniguruma's syntax, by model. */
export const publishedPatterns: Readonly<Record<string, string>> = {
  "GPT-2": String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  "GPT-2, tiktoken": String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s`,
  "GPT-4": words(String.raw`\p{N}{1,3}`),
  "GPT-4, tiktoken": String.raw`'(?i:[sdmt]|ll|ve|re)|${notWord}?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`,
  "GPT-4o, gpt-oss": cased(`${contractions}?`, String.raw`\p{N}{1,3}`),
  "Llama 3, OLMo 2": words(String.raw`\p{N}{1,3}`),
  "Llama 4": String.raw`${notWord}?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+(?:'[sS]|'[tT]|'[rR][eE])?|${notWord}?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${spaces}`,
  "Qwen 2, 2.5, 3": words(String.raw`\p{N}`),
  "Qwen 3.5": String.raw`${contractions}|${notWord}?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${spaces}`,
  "Mistral Tekken": cased("", String.raw`\p{N}`),
  "DeepSeek V3, digits": String.raw`\p{N}{1,3}`,
  "DeepSeek V3, ideographs": "[一-龥぀-ゟ゠-ヿ]+",
  "DeepSeek V3": String.raw`${punctuation}|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${spaces}`,
  "DeepSeek LLM": String.raw`\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳ𐐀-𐑏]+`,
  "DeepSeek LLM, marks": String.raw`\s?[!-/:-~！-／：-～‘-‟　-。]+`,
  "DeepSeek LLM, spaces": String.raw`\s+$`,
  "DeepSeek Coder": String.raw`\s?\p{P}+`,
  Falcon: "[0-9][0-9][0-9]",
  "Falcon, marks": String.raw`[\p{P}\$\+<=>\^~\|${"`"}]+`,
  "StarCoder, SmolLM": String.raw`\p{N}`,
  Bailing: String.raw`'(?i:[sdmt]|ll|ve|re)|${notWord}?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
  "Seed-Coder": String.raw`${contractions}|${notWord}?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|${spaces}`,
  "Kimi K2": String.raw`[\p{Han}]+|${notWord}?${han}*${notHan}+${contractions}?|${notWord}?${han}+${notHan}*${contractions}?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|${spaces}`,
  "EXAONE 4": String.raw`${contractions}|${notWord}?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`,
  "Jais 2": String.raw`${words(String.raw`\p{N}{1,3}`).slice(0, -String.raw`\s+(?!\S)|\s+`.length)}\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`,
  "Aya, digits": String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
  "SuperBPE, digits": String.raw`(?=(\d{3})+(?!\d))`,
  "digits in threes": String.raw`\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))`,
  Gemma: String.raw`[^\n]+|[\n]+`,
  BLOOM: String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`,
  CLIP: String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  T5: " {2,}",
  NLLB: String.raw`\s{2,}|[\n\r\t]`,
  XLNet: " +▁",
  "XLNet, spaces": "^▁+$",
  "a byte of SentencePiece": "(?<=<)(?=0x[0-9A-F]{2}>)",
  "marks after letters": String.raw`(?:\p{L}\p{M}*)+`,
};
