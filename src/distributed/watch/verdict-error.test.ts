import { expect, it } from "vitest";
import { errorAt } from "./verdict-error.ts";

const place = { rank: 1, host: "node2", pid: 4711 };
const reported = new Error("the connection to another rank is lost");

it("is a rank's own error where the others stop for what it has said", () => {
  const verdict = { ...place, kind: "failed", text: "no rows" } as const;
  const own = new Error("no rows");
  expect(errorAt(1, verdict, { reported: own, silence: 8 })).toBe(own);
  expect(errorAt(0, verdict, { reported, silence: 8 })).toMatchObject({ code: "run", found: "no rows" });
});

it("says that a rank was silent, to itself too when it has lost the others since", () => {
  const error = errorAt(1, { ...place, kind: "silent", text: "" }, { reported, silence: 8 });
  expect(error).toMatchObject({ code: "run", where: "rank 1, process 4711 on node2" });
  expect(error.message).toMatch(/^Rank 1 is silent/);
});
