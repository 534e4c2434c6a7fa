import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { buildTokenizer } from "../tokenizer/tokenizers-backend.ts";
import { inspectModel } from "./inspect-model.ts";

vi.mock("../tokenizer/tokenizers-backend.ts", async (original) => ({
  ...(await original<typeof import("../tokenizer/tokenizers-backend.ts")>()),
  buildTokenizer: vi.fn(() => expect.fail("a tokenizer was built")),
}));

const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "model");
writeTinyLlama(folder);

test("whether a model has a chat template is known without its tokenizer", () => {
  const { hasChatTemplate, limits } = inspectModel(folder);
  expect(hasChatTemplate).toBe(true);
  expect(limits.maxLength).toBeGreaterThan(0);
  writeFileSync(join(folder, "tokenizer_config.json"), "{}");
  expect(inspectModel(folder).hasChatTemplate).toBe(false);
  expect(buildTokenizer).not.toHaveBeenCalled();
});

test("a model that is nowhere is advised on", () => {
  const nowhere = join(scratch.path, "nowhere");
  expect(() => inspectModel(nowhere)).toThrow(refusal("model", { where: nowhere }));
});
