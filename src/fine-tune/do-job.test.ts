import { beforeEach, expect, test, vi } from "vitest";
import { openSharedModel } from "../inference/shared-model.ts";
import { doJob, type ThreadState } from "./do-job.ts";
import type { Answer } from "./messages.ts";

vi.mock("../inference/shared-model.ts", () => ({ openSharedModel: vi.fn() }));
const open = vi.mocked(openSharedModel);

const target = { path: "somewhere" };
const result = { loss: 2, labelTokens: 1, rows: 1, notes: [], seconds: 0 };
const summary = { promptTokens: 1, tokens: 1, reason: "end", seconds: 0 } as const;
const generator = {
  hasChatTemplate: false,
  checkpoint: undefined,
  systemPrompt: undefined,
  async *generate() {
    yield "text";
    return summary;
  },
  dispose: () => {},
  [Symbol.dispose]: () => {},
};

beforeEach(() => {
  open.mockReset();
  open.mockResolvedValue({ generator: async () => generator, evaluate: async () => result });
});

/** Does jobs one after another, in one thread. */
function thread() {
  const state: ThreadState = { rows: new Map(), model: undefined };
  const said: Answer[] = [];
  const hooks = {
    state,
    signal: new AbortController().signal,
    onLoaded: () => {},
    onLocked: () => {},
    say: (answer: Answer) => said.push(answer),
  };
  return {
    said,
    evaluate: () => doJob({ type: "evaluate", request: { target, data: [] } }, hooks),
    generate: () => doJob({ type: "generate", target, input: "a", settings: {} }, hooks),
  };
}

test.each([
  ["evaluate", "generate"],
  ["generate", "evaluate"],
] as const)("one model is opened to %s and %s", async (...jobs) => {
  const { said, ...does } = thread();
  const answers = [];
  for (const job of jobs) answers.push(await does[job]());
  expect(answers).toEqual(
    expect.arrayContaining([
      { type: "evaluated", result },
      { type: "generated", summary },
    ]),
  );
  expect(said).toEqual([{ type: "text", piece: "text" }]);
  expect(open.mock.calls).toEqual([[target]]);
});

test("a model that could not be opened is opened again by the next job", async () => {
  const { evaluate } = thread();
  open.mockRejectedValueOnce(new Error("not now"));
  await expect(evaluate()).rejects.toThrow("not now");
  expect(await evaluate()).toEqual({ type: "evaluated", result });
});
