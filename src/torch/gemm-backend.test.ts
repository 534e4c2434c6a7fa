import { afterEach, expect, test } from "vitest";
import { requireGemmBackend, useGemmBackend } from "./gemm-backend.ts";

afterEach(() => useGemmBackend("aten"));

test("a backend that is asked for and does not work is refused", () => {
  const fail = () => {
    throw new Error("no such operator");
  };
  expect(() => requireGemmBackend("onednn", "the run's record", fail)).toThrow(
    expect.objectContaining({
      code: "config",
      where: "the run's record",
      expected: "onednn",
      found: "no such operator",
    }),
  );
  requireGemmBackend("onednn", "the run's record");
  requireGemmBackend("aten", "the run's record", fail);
});
