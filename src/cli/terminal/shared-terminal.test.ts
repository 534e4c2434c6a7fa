import { expect, test } from "vitest";
import { onActivity, reportActivity } from "../../util/activity.ts";
import { CapturedStream } from "../testing/terminal.ts";
import { ProgressLine } from "./progress-line.ts";
import { SharedTerminal } from "./shared-terminal.ts";

const clear = "\r\x1b[2K";

/** A terminal, or pipes, with a clock of its own. */
function terminal({ isTTY = true, columns = 40 } = {}) {
  let time = 0;
  const stdout = new CapturedStream({ isTTY, columns });
  const stderr = new CapturedStream({ isTTY, columns });
  const shared = new SharedTerminal(stdout, stderr, () => time);
  const wait = (milliseconds: number) => {
    time += milliseconds;
  };
  return { shared, stdout, stderr, wait };
}

test("what is being done is shown at once, no wider than the terminal, and gives way to what is printed", () => {
  const { shared, stdout, stderr, wait } = terminal();
  shared.show({ what: "reading the weights of model", done: 1, total: 272 });
  wait(10);
  shared.show({ what: "too soon to be drawn" });
  wait(50);
  shared.show({ what: "writing adapters.safetensors", done: 2 ** 20, total: 2 ** 22, unit: "bytes" });
  shared.stdout.write("result\n");
  shared.clear();
  expect(stderr.text).toBe(
    `${clear}reading the weights of model  1 of 272${clear}writing adapters…  1.00 MiB of 4.00 MiB${clear}`,
  );
  expect(stdout.text).toBe("result\n");
});

test.each([
  [80, "reading the weights of a-model-with-a-long-name.Q4_K_M.gguf  120 of 272"],
  [60, "reading the weights of a-model-with-a-long-nam…  120 of 272"],
  [40, "reading the weights of a-m…  120 of 272"],
  [20, "120 of 272"],
])("at %i columns how far it is stays, whatever the name of the file", (columns, expected) => {
  const { shared, stderr } = terminal({ columns });
  const what = "reading the weights of a-model-with-a-long-name.Q4_K_M.gguf";
  shared.show({ what, done: 120, total: 272 });
  expect(stderr.text).toBe(`${clear}${expected}`);
  expect(expected.length).toBeLessThan(columns);
});

test("a line of progress that it covers comes back; streamed text and a prompt are not covered", () => {
  const { shared, stderr, wait } = terminal();
  const line = new ProgressLine(shared.stderr);
  line.update("step 1/9", { important: true });
  shared.show({ what: "evaluating" });
  line.end();
  expect(stderr.text).toBe(`${clear}step 1/9${clear}evaluating${clear}step 1/9\n`);
  const before = stderr.text;
  shared.stderr.write("> ");
  wait(1000);
  shared.show({ what: "reading" });
  shared.stderr.write("\n");
  shared.stdout.write("an answer that is not yet");
  shared.show({ what: "reading" });
  expect(stderr.text).toBe(`${before}> \n`);
});

test("elsewhere only where nothing else is printed for some seconds", () => {
  const { shared, stderr, wait } = terminal({ isTTY: false });
  shared.show({ what: "reading", done: 1, total: 9 });
  wait(14_000);
  shared.stderr.write("a note\n");
  wait(14_000);
  shared.show({ what: "reading", done: 2, total: 9 });
  wait(2000);
  shared.show({ what: "reading", done: 3, total: 9 });
  shared.show({ what: "reading", done: 4, total: 9 });
  shared.clear();
  expect(stderr.text).toBe("a note\nreading  3 of 9\n");
});

test("listeners hear of activities until they stop listening", () => {
  const heard: string[] = [];
  const end = onActivity(({ what }) => heard.push(what));
  reportActivity({ what: "one" });
  end();
  reportActivity({ what: "two" });
  expect(heard).toEqual(["one"]);
});
