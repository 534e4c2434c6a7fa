import { afterAll, expect, test } from "vitest";
import { ConfigError } from "./index.ts";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { problems, remove } = recipeFolder();
afterAll(remove);

/** Eight levels of ten aliases each: 10^8 values. */
const bomb = Array.from({ length: 8 }, (_, i) => `k${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);

test.each([
  ["an alias within its own anchor", `${minimal}run: &a [*a]\n`, "alias"],
  ["aliases that multiply", `${minimal}k0: &a0 [x]\n${bomb.join("\n")}\n`, "alias"],
  ["lists in lists", `${minimal}run: ${"[".repeat(5000)}${"]".repeat(5000)}\n`, "deep"],
  ["a key twice", `${minimal}run: { name: a, name: b }\n`, "unique"],
])("%s is a problem with its place", (_name, yaml, problem) => {
  const [issue] = problems(yaml).issues;
  expect(issue?.problem.toLowerCase()).toContain(problem);
  expect(issue?.where).toMatch(/recipe\.yaml:\d+$/);
});

test.each([
  [
    "aliases that multiply",
    `${minimal}k0: &a0 [x]\n${bomb.join("\n")}\n`,
    /more than 100 aliases/,
    /write the values out/,
  ],
  ["an unknown alias", `${minimal}x:\n  - *nope\n`, /no anchor &nope/, /quote/],
  ["a bracket left open", `${minimal}x: [1\n`, /./, /correct/],
])("%s: what is bounded, and what to do", (_name, yaml, problem, fix) => {
  const [issue] = problems(yaml).issues;
  expect(issue?.problem).toMatch(problem);
  expect(issue?.fix).toMatch(fix);
  expect(issue?.where).not.toMatch(/:1$/);
});

test("the same in an override", () => {
  expect(problems(minimal, ["run.name=&a [*a]"]).issues[0]).toMatchObject({ key: "run.name" });
});

test.each(["train", "adapter", "unknown method"])(
  "thousands of unknown keys in %s cost no more than each",
  (section) => {
    const keys = Array.from({ length: 2000 }, (_, i) => `key${i}: 1`).join(", ");
    const others = section === "train" ? minimal : minimal.replace(/adapter:.*\n/, "");
    const yaml =
      section === "train"
        ? `${others}train: { ${keys} }\n`
        : `${others}adapter: { method: ${section === "adapter" ? "lora" : "none"}, ${keys} }\n`;
    const started = process.cpuUsage();
    const error = problems(yaml);
    const { user } = process.cpuUsage(started);
    expect(error.issues.length).toBeGreaterThanOrEqual(2000);
    expect(error.message).toMatch(/… and 1,98\d more$/);
    expect(error.message.length).toBeLessThan(20_000);
    // Quadratic, this took 20 s and more.
    expect(user / 1e6).toBeLessThan(5);
  },
);

test.each([
  ["a key", (long: string) => `${minimal}${long}: 1\n`],
  ["a value", (long: string) => `${minimal}run: { name: [${long}] }\n`],
  ["a path", (long: string) => minimal.replace(/path: .*?([,}\n])/, `path: ${long}$1`)],
  ["a path with a zero byte", () => minimal.replace(/path: .*?([,}\n])/, 'path: "a\\0b"$1')],
])("%s is quoted in part", (_name, yaml) => {
  const { message } = problems(yaml("x".repeat(1_000_000)));
  expect(message.length).toBeLessThan(3000);
  expect(message).not.toContain("\0");
});

test.each([
  ["with a zero byte", "a\\0b"],
  ["of 5,000 bytes", `a${"/bcd".repeat(1250)}`],
  ["with a name of 300 bytes", "é".repeat(150)],
])("a folder of runs %s is refused with the key and what may be there", (_name, folder) => {
  const { issues, message } = problems(`${minimal}run: { folder: "${folder}" }\n`);
  expect(issues).toMatchObject([{ key: "run.folder", expected: expect.stringMatching(/3000 bytes, 255/) }]);
  expect(message.length).toBeLessThan(600);
});

test("a recipe's long path is cut in its middle, wherever it is said", () => {
  const path = `${"folder/".repeat(1000)}recipe.yaml`;
  const error = new ConfigError(path, [{ where: `${path}:12`, key: "recipe", problem: "wrong" }]);
  expect(error.message).toMatch(/recipe\.yaml \(7,011 characters\) has 1 problem/);
  expect(error.message).toMatch(/recipe\.yaml:12 \(7,014 characters\)$/);
  expect(error.message.length).toBeLessThan(600);
});
