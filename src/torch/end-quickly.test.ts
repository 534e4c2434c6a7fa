import { expect, it } from "vitest";
import { runChild } from "../testing/child-process.ts";

it("ends the process with its exit code, after what JavaScript has printed and before anything else", async () => {
  const { code, stdout } = await runChild(new URL("testing/end-quickly.ts", import.meta.url));
  expect({ code, stdout }).toEqual({ code: 3, stdout: "ended by JavaScript\n" });
});
