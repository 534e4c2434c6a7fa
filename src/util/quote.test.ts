import { expect, test } from "vitest";
import { ScaloraError } from "./errors.ts";
import { clip, escapeControl, escapeName } from "./quote.ts";

test("control characters are written out, and so are those that reorder text", () => {
  expect(escapeControl("a\x1b[2J\r\x07\x9b1m\u202eb\u2066\x7f")).toBe(
    "a\\x1b[2J\\x0d\\x07\\x9b1m\\u202eb\\u2066\\x7f",
  );
  expect(escapeControl("é 日本\t\n😀\u200f")).toBe("é 日本\t\n😀\u200f");
});

test("a file's name stays on its line", () => {
  expect(escapeName("e\x1b[31mvil\n\u202e.jsonl")).toBe("e\\x1b[31mvil\\x0a\\u202e.jsonl");
});

test("a long text is cut, with its length, and never within a pair of surrogates", () => {
  expect(clip("abc", 3)).toBe("abc");
  expect(clip("x".repeat(1234), 3)).toBe("xxx… (1,234 characters)");
  expect(clip("ab😀", 3)).toBe("ab… (4 characters)");
});

test("an error's message is short and plain, whatever it quotes; its fields are as given", () => {
  const found = `\x1b[2J${"x".repeat(1_000_000)}`;
  const error = new ScaloraError("data", "wrong", { where: "a\x1b]0;t\x07", found, fix: "b\nc" });
  expect(error.message).toHaveLength(error.message.replaceAll("\x1b", "").length);
  expect(error.message).toContain("where:    a\\x1b]0;t\\x07\n");
  expect(error.message).toContain("(1,000,004 characters)\n");
  expect(error.message.length).toBeLessThan(1500);
  expect(error.message.endsWith("fix:      b\n            c")).toBe(true);
  expect(error.found).toBe(found);
});
