import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { checkGenerationOptions } from "./check-generation-options.ts";

test.each(["l", [3], [""], null])("%j is no list of stop texts", (stop) => {
  const given = () =>
    Reflect.apply(checkGenerationOptions, undefined, [{ maxTokens: 1, temperature: 0, stop }]);
  expect(given).toThrow(
    refusal("usage", { where: "stop", expected: "a list of texts", found: JSON.stringify(stop) }),
  );
});
