/**
 * A strict JSON reader (RFC 8259) that `JSON.parse` cannot replace: it reports duplicate keys, keeps numbers as they
 * are written, and builds maps, so that a key such as `__proto__` is only a key.
 */

export type JsonValue = string | boolean | null | JsonNumber | JsonValue[] | Map<string, JsonValue>;

/** A number as the text holds it. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The value when the text is a plain non-negative integer up to 2^53 − 1 (no sign, fraction or exponent). */
  naturalNumber(): number | undefined {
    if (!/^\d+$/.test(this.text)) return undefined;
    const value = Number(this.text);
    return Number.isSafeInteger(value) ? value : undefined;
  }
}

/** What is wrong with the text; `offset` counts UTF-16 code units. */
export class JsonError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const maxDepth = 128;
/** Values of one text: each takes some hundred bytes of memory, of which a text of brackets needs two. */
const maxValues = 4_000_000;

/** Parses exactly one JSON value with nothing but white space around it. Throws `JsonError`. */
export function parseJson(text: string): JsonValue {
  const scanner = new Scanner(text);
  const value = scanner.value(0);
  scanner.skipSpace();
  if (scanner.position < text.length)
    throw new JsonError("text after the end of the JSON value", scanner.position);
  return value;
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings may not hold them unescaped
const plainPattern = /[^"\\\u0000-\u001f]*/y;
/** A lone surrogate: not text, and not encodable in UTF-8. */
export const loneSurrogate = /\p{Surrogate}/u;
const spacePattern = /[ \t\n\r]*/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Scanner {
  readonly text: string;
  position = 0;
  private values = 0;

  constructor(text: string) {
    this.text = text;
  }

  skipSpace(): void {
    this.match(spacePattern);
  }

  value(depth: number): JsonValue {
    if (depth > maxDepth) throw new JsonError(`nested deeper than ${maxDepth} levels`, this.position);
    if (++this.values > maxValues) throw new JsonError(`more than ${maxValues} values`, this.position);
    this.skipSpace();
    const first = this.text[this.position];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return this.string();
    if (this.takeWord("true")) return true;
    if (this.takeWord("false")) return false;
    if (this.takeWord("null")) return null;
    const number = this.match(numberPattern);
    if (number === "") throw this.unexpected("a JSON value");
    return new JsonNumber(number);
  }

  private object(depth: number): Map<string, JsonValue> {
    const result = new Map<string, JsonValue>();
    this.position++;
    if (this.take("}")) return result;
    do {
      this.skipSpace();
      const start = this.position;
      if (this.text[start] !== '"') throw this.unexpected("a key in double quotes");
      const key = this.string();
      if (result.has(key)) throw new JsonError(`duplicate key ${JSON.stringify(key)}`, start);
      if (!this.take(":")) throw this.unexpected('":"');
      result.set(key, this.value(depth + 1));
    } while (this.take(","));
    if (!this.take("}")) throw this.unexpected('"," or "}"');
    return result;
  }

  private array(depth: number): JsonValue[] {
    const result: JsonValue[] = [];
    this.position++;
    if (this.take("]")) return result;
    do result.push(this.value(depth + 1));
    while (this.take(","));
    if (!this.take("]")) throw this.unexpected('"," or "]"');
    return result;
  }

  private string(): string {
    const start = this.position++;
    let result = "";
    for (;;) {
      result += this.match(plainPattern);
      const next = this.text[this.position];
      if (next === '"') break;
      if (next !== "\\") throw this.unexpected("the end of the string");
      result += this.escape();
    }
    this.position++;
    if (loneSurrogate.test(result)) throw new JsonError("a string with half a surrogate pair", start);
    return result;
  }

  private escape(): string {
    const letter = this.text[this.position + 1] ?? "";
    if (letter === "u") {
      const digits = this.text.slice(this.position + 2, this.position + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.unexpected("four hexadecimal digits");
      this.position += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (character === undefined) throw this.unexpected("a known escape");
    this.position += 2;
    return character;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.position += found.length;
    return found;
  }

  private take(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private takeWord(word: string): boolean {
    if (!this.text.startsWith(word, this.position)) return false;
    this.position += word.length;
    return true;
  }

  private unexpected(expected: string): JsonError {
    const found = this.text[this.position];
    return new JsonError(
      `expected ${expected}, found ${found === undefined ? "the end" : JSON.stringify(found)}`,
      this.position,
    );
  }
}

/** The value as plain JavaScript: objects without a prototype, numbers as doubles. */
export function toPlainValue(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(toPlainValue);
  if (!(value instanceof Map)) return value;
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, item] of value) result[key] = toPlainValue(item);
  return result;
}

/** The value as indented text, numbers as they were written (`10000.0` stays `10000.0`). */
export function formatJson(value: JsonValue, indent = ""): string {
  if (value instanceof JsonNumber) return value.text;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + formatJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  if (!(value instanceof Map)) return JSON.stringify(value);
  if (value.size === 0) return "{}";
  const lines = [...value].map(([key, item]) => `${inner}${JSON.stringify(key)}: ${formatJson(item, inner)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
