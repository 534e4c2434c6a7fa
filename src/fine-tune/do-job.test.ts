import { expect, test, vi } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { doJob } from "./do-job.ts";

const request = { target: { path: "nowhere" }, data: [] };
const hooks = { signal: new AbortController().signal, say: () => {} };

test("the model in memory is evaluated; where there is none, or it could not be opened, the target is opened", async () => {
  const evaluate = vi.fn(async () => ({ loss: 2, labelTokens: 1, rows: 1, notes: [], seconds: 0 }));
  const generator = {
    hasChatTemplate: false,
    checkpoint: undefined,
    systemPrompt: undefined,
    generate: () => expect.fail("nothing is generated"),
    dispose: () => {},
    [Symbol.dispose]: () => {},
  };
  const evaluated = async (model: Parameters<typeof doJob>[1]["state"]["model"]) =>
    await doJob({ type: "evaluate", request }, { ...hooks, state: { rows: new Map(), model } });
  expect(await evaluated(Promise.resolve({ generator, evaluate }))).toMatchObject({
    type: "evaluated",
    result: { loss: 2 },
  });
  expect(evaluate).toHaveBeenCalledOnce();
  const nowhere = refusal("usage", { message: "neither a model nor a run" });
  await expect(evaluated(undefined)).rejects.toThrow(nowhere);
  await expect(evaluated(Promise.reject(new Error("not opened")))).rejects.toThrow(nowhere);
});
