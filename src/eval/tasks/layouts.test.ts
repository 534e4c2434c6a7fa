import { expect, test } from "vitest";
import { readTaskRow } from "./read-task-row.ts";
import type { Row, TextTask } from "./task.ts";
import { textTasks } from "./text-tasks.ts";

/** Columns that hold no text. */
const values: Row = {
  choices: { text: ["1", "2"], label: ["A", "B"] },
  endings: ["1", "2", "3", "4"],
  options: ["A)1", "B)2"],
};

/** Each row that a layout stands for: `a/b + c` is a row of a and c, and one of b and c. */
const rowsOf = (layout: string) =>
  layout
    .split(" + ")
    .map((names) => names.split("/"))
    .reduce<string[][]>((rows, names) => rows.flatMap((row) => names.map((name) => [...row, name])), [[]]);

const isRefusedForColumns = (task: TextTask, columns: readonly string[]) => {
  try {
    readTaskRow(task, Object.fromEntries(columns.map((name) => [name, values[name] ?? "1"])), "a:1");
  } catch (error) {
    return String(error).includes(`lacks columns of ${task.name}`);
  }
  return false;
};

test.each(
  [...textTasks.values()].flatMap((task) =>
    task.layouts.flatMap(rowsOf).map((columns) => ({ task, name: task.name, columns })),
  ),
)("$name takes rows of $columns, and asks for no less", ({ task, columns }) => {
  expect(isRefusedForColumns(task, columns)).toBe(false);
  expect(isRefusedForColumns(task, columns.slice(1))).toBe(true);
});
