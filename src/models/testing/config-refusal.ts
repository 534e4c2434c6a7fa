import { expect } from "vitest";

/**
 * For `toThrow`: a `config.json` with one problem.
 *
 * @param key where the problem is, with its section: `rope_scaling.factor`
 * @param detail part of the message about the key: its value, a name, a number
 */
export function configRefusal(key: string, detail: string) {
  const sections = key.split(".");
  const name = sections.pop();
  return expect.objectContaining({
    code: "model",
    where: ["config.json", ...sections].join(", "),
    found: expect.toSatisfy(
      (found: string) => found.startsWith(`${name}: `) && found.includes(detail),
      `one problem of ${name}, with ${detail}`,
    ),
  });
}
