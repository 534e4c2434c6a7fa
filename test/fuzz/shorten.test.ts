import { expect, test } from "vitest";
import { shorten } from "./shorten.ts";

test("an input is shortened to what still fails", async () => {
  const input = Buffer.from(`${"x".repeat(500)}a${"y".repeat(700)}b${"z".repeat(90)}`);
  const fails = async (bytes: Uint8Array) => /a.*b/s.test(Buffer.from(bytes).toString());
  expect(Buffer.from(await shorten(input, fails)).toString()).toBe("ab");
});
