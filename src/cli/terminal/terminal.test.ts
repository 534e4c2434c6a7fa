import { expect, test } from "vitest";
import { elementAt } from "../../util/elements.ts";
import { CapturedStream } from "../testing/terminal.ts";
import { painter } from "./painter.ts";
import { panel } from "./panel.ts";
import { ProgressLine } from "./progress-line.ts";
import { escapeUnstyled, stripControl } from "./strip-control.ts";
import { table } from "./table.ts";
import { displayWidth, pad, truncate, wrap, wrapLines } from "./text-width.ts";

const plain = (_style: string, text: string) => text;

test("widths: styles take none, East Asian characters and emoji two, marks none", () => {
  expect(displayWidth("abc")).toBe(3);
  expect(displayWidth("\x1b[1mabc\x1b[22m")).toBe(3);
  expect(displayWidth("日本")).toBe(4);
  expect(displayWidth("😀")).toBe(2);
  expect(displayWidth("e\u0301")).toBe(1);
  expect(["👨‍👩‍👧", "🇩🇪", "❤️", "1️⃣", "👍🏽", "￥", "ｶﾞ"].map(displayWidth)).toEqual([2, 2, 2, 2, 2, 2, 2]);
  expect(truncate("👨‍👩‍👧👨‍👩‍👧", 3)).toBe("👨‍👩‍👧…");
  expect(pad("日", 4)).toBe("日  ");
  expect(pad("7", 3, "right")).toBe("  7");
  expect(truncate("abcdef", 4)).toBe("abc…");
  expect(truncate("日本語", 4)).toBe("日…");
  expect(truncate("abc", 3)).toBe("abc");
  expect(wrap("a bb ccc dddddd", 5)).toEqual(["a bb", "ccc", "dddddd"]);
});

test("colours only on a terminal that wants them", () => {
  const terminal = new CapturedStream({ isTTY: true });
  expect(painter(terminal, {})("red", "x")).toBe("\x1b[31mx\x1b[39m");
  expect(painter(terminal, { NO_COLOR: "1" })("red", "x")).toBe("x");
  expect(painter(terminal, { NO_COLOR: "" })("red", "x")).not.toBe("x");
  expect(painter(terminal, { TERM: "dumb" })("red", "x")).toBe("x");
  expect(painter(new CapturedStream(), {})("red", "x")).toBe("x");
});

test("text from outside cannot move the cursor or change the terminal", () => {
  expect(stripControl("a\x1b[2Jb\x1b]0;title\x07c\rd\x08\n\te\x9bm\u202ef")).toBe("abcd\n\tef");
  const styled = "\x1b[1ma\x1b[22m \x1b[2Jb\x1b[8mc";
  expect(escapeUnstyled(styled, true)).toBe("\x1b[1ma\x1b[22m \\x1b[2Jb\\x1b[8mc");
  expect(escapeUnstyled(styled, false)).toBe("\\x1b[1ma\\x1b[22m \\x1b[2Jb\\x1b[8mc");
});

test("tables align columns and leave no trailing space", () => {
  const columns = [{ title: "method" }, { title: "loss", align: "right" as const }];
  const text = table(
    columns,
    [
      ["lora", "1.25"],
      ["日本", "10.5"],
    ],
    { paint: plain },
  );
  expect(text).toBe(["method  loss", "lora    1.25", "日本    10.5"].join("\n"));
});

test("a panel closes its box, whatever the contents", () => {
  const text = panel(
    "scalora train",
    [
      ["model", "stories260K"],
      ["a long label", "x".repeat(100)],
    ],
    { columns: 60, paint: plain },
  );
  const lines = text.split("\n");
  expect(new Set(lines.map(displayWidth)).size).toBe(1);
  expect(displayWidth(elementAt(lines, 0))).toBeLessThanOrEqual(60);
  expect(lines[0]).toMatch(/^╭ scalora train ─+╮$/);
  expect(lines[1]).toMatch(/^│ model +stories260K +│$/);
  expect(lines[2]).toContain("x…");
});

/** The lines of a text, which fit into a width. */
function fitting(text: string, width: number): string[] {
  const lines = text.split("\n");
  for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
  return lines;
}

/** The words of a text that has been drawn, in order. */
const wordsOf = (text: string) => text.split(/[\s│╭╮╰╯─]+/).filter((word) => word !== "");

const description =
  "Singular vectors of the gradient of some rows start the factors, and their first product is subtracted";

test.each([40, 60, 80])(
  "lists, panels and errors break between words at %i columns, and lose none",
  (width) => {
    const columns = [{ title: "method" }, { title: "description" }];
    const list = table(columns, [["lora-ga", description]], { paint: plain, width });
    const [, first = "", second = ""] = fitting(list, width);
    expect(first).toMatch(/^lora-ga {2}Singular/);
    expect(second).toMatch(/^ {9}\S/);
    expect(wordsOf(list)).toEqual(["method", "description", "lora-ga", ...description.split(" ")]);
    const box = panel("scalora train", [["data", description]], { columns: width, paint: plain });
    expect(new Set(fitting(box, width).map(displayWidth)).size).toBe(1);
    expect(wordsOf(box)).toEqual(["scalora", "train", "data", ...description.split(" ")]);
    const error = `error: a problem\n  expected: ${description}\n  fix:      \`npx scalora get NAME\` fetches it`;
    const shown = wrapLines(error, width);
    expect(fitting(shown, width)[2]).toMatch(/^ {12}\S/);
    expect(shown).toContain("`npx scalora get NAME`");
    expect(wordsOf(shown)).toEqual(wordsOf(error));
  },
);

test("a command in backticks is not broken, however narrow the terminal", () => {
  const command = "`npx scalora train --resume /home/me/project/runs/once`";
  const shown = wrapLines(`error: a problem\n  fix:      go on with ${command}; what was saved is kept`, 40);
  expect(shown.split("\n")).toEqual([
    "error: a problem",
    "  fix:      go on with",
    `            ${command};`,
    "            what was saved is kept",
  ]);
});

test("where little room is left beside the others, a list's last column goes below them", () => {
  const path = "recipes/paper/commonsense/llama2-7b.yaml";
  const text = table([{ title: "path" }, { title: "description" }], [[path, description]], {
    paint: plain,
    width: 40,
  });
  const lines = fitting(text, 40);
  expect(lines.slice(0, 3)).toEqual(["path", path, "    Singular vectors of the gradient of"]);
  expect(wordsOf(text)).toEqual(["path", path, ...description.split(" ")]);
});

test.each([36, 48])(
  "at %i columns a table that is wider is a list for each row, with nothing cut or lost",
  (width) => {
    const columns = [
      { title: "method" },
      ...["exact records", "right fields", "peak memory"].map((title) => ({
        title,
        align: "right" as const,
      })),
    ];
    const rows = [
      ["before", "0.0 % [0, 7]", "12.5 % [6, 24]", ""],
      ["scalora-i", "91.7 % [80, 97]", "97.2 % [91, 99]", "1.02 GiB"],
    ];
    const lines = fitting(table(columns, rows, { paint: plain, width }), width);
    expect(lines).toEqual([
      "before",
      "    exact records  0.0 % [0, 7]",
      "    right fields   12.5 % [6, 24]",
      "scalora-i",
      "    exact records  91.7 % [80, 97]",
      "    right fields   97.2 % [91, 99]",
      "    peak memory    1.02 GiB",
    ]);
    const wide = [...columns.map(({ title }) => ({ title })), { title: "description" }];
    const described = table(wide, [["a", "b".repeat(12), "c".repeat(12), "d".repeat(12), description]], {
      paint: plain,
      width,
    });
    expect(wordsOf(fitting(described, width).join(" "))).toEqual(
      expect.arrayContaining(["d".repeat(12), ...description.split(" ")]),
    );
  },
);

test("what has no width is not wrapped", () => {
  const text = table([{ title: "" }, { title: "" }], [["lora-ga", description]], { paint: plain });
  expect(text.split("\n")[1]).toBe(`lora-ga  ${description}`);
});

test.each([
  [100, "step   7/1000  loss 2.3452  lr 1.90e-4  3,421 tok/s  1.20 GiB  ETA 2 min 05 s"],
  [80, "step   7/1000  loss 2.3452  lr 1.90e-4  3,421 tok/s  1.20 GiB  ETA 2 min 05 s"],
  [60, "step   7/1000  loss 2.3452  3,421 tok/s  ETA 2 min 05 s"],
  [40, "step   7/1000  loss 2.3452"],
])("at %i columns a line of progress has the parts that fit, whole", (columns, expected) => {
  const terminal = new CapturedStream({ isTTY: true, columns });
  const line = new ProgressLine(terminal);
  line.update(
    [
      { text: "step   7/1000", leaveOut: 0 },
      { text: "loss 2.3452", leaveOut: 1 },
      { text: "lr 1.90e-4", leaveOut: 4 },
      { text: "3,421 tok/s", leaveOut: 3 },
      { text: "1.20 GiB", leaveOut: 5 },
      { text: "", leaveOut: 0 },
      { text: "ETA 2 min 05 s", leaveOut: 2 },
    ],
    { important: true },
  );
  expect(terminal.text).toBe(`\r\x1b[2K${expected}`);
});

test("on a terminal the line is rewritten in place and never wraps", () => {
  let time = 0;
  const terminal = new CapturedStream({ isTTY: true, columns: 12 });
  const line = new ProgressLine(terminal, () => time);
  line.update("step 1/9", { important: true });
  time += 10;
  line.update("step 2/9");
  time += 100;
  line.update("step 3/9 and more");
  line.printAbove("saved");
  line.end();
  line.end();
  expect(terminal.text).toBe("\r\x1b[2Kstep 1/9\r\x1b[2Kstep 3/9 a…\r\x1b[2Ksaved\nstep 3/9 a…\n");
});

test("elsewhere a plain line comes now and then, and the important ones always", () => {
  let time = 0;
  const pipe = new CapturedStream();
  const line = new ProgressLine(pipe, () => time);
  line.update("1", { important: true });
  for (const step of ["2", "3", "4"]) {
    time += 2000;
    line.update(step);
  }
  line.printAbove("saved");
  line.update("9", { important: true });
  line.end();
  expect(pipe.text).toBe("1\n4\nsaved\n9\n");
});

test("elsewhere a line that says nothing new is not repeated", () => {
  let time = 0;
  const pipe = new CapturedStream();
  const line = new ProgressLine(pipe, () => time);
  for (const text of ["0/9", "0/9", "1/9", "1/9", "1/9", "2/9"]) {
    line.update(text);
    time += 6000;
  }
  line.update("2/9", { important: true });
  line.end();
  line.update("2/9");
  expect(pipe.text).toBe("0/9\n1/9\n2/9\n2/9\n");
});
