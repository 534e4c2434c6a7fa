import { expect, it } from "vitest";
import { Interruption } from "../../util/interruption.ts";
import { errorAt } from "./verdict-error.ts";

const place = { rank: 1, host: "node2", pid: 4711 };
const reported = new Error("the connection to another rank is lost");

it("is a rank's own error where the others stop for what it has said", () => {
  const verdict = { ...place, kind: "failed", text: "no rows" } as const;
  const own = new Error("no rows");
  expect(errorAt(1, verdict, { reported: own, silence: 8 })).toBe(own);
  expect(errorAt(0, verdict, { reported, silence: 8 })).toMatchObject({ code: "run", found: "no rows" });
});

it("ends with the exit code of a rank that was asked to stop", () => {
  const verdict = { ...place, kind: "stopped", text: "stopped by SIGTERM", exitCode: 143 } as const;
  expect(errorAt(0, verdict, { reported: undefined, silence: 8 })).toMatchObject({
    exitCode: 143,
    found: "stopped by SIGTERM",
  });
  const own = new Interruption("SIGTERM");
  expect(errorAt(1, verdict, { reported: own, silence: 8 })).toBe(own);
});

it("says that a rank was silent, to itself too when it has lost the others since", () => {
  const error = errorAt(1, { ...place, kind: "silent", text: "" }, { reported, silence: 8 });
  expect(error).toMatchObject({ code: "run", where: "rank 1, process 4711 on node2" });
  expect(error.message).toMatch(/^Rank 1 is silent/);
});

it("says that two ranks have lost each other, or that rank 0 has lost all others", () => {
  const cut = { ...place, kind: "cut", text: "" } as const;
  const message = (verdict: typeof cut) => errorAt(0, verdict, { reported: undefined, silence: 8 }).message;
  expect(message(cut)).toMatch(/^Rank 1 and rank 0 have lost each other; the other ranks stop/);
  expect(message(cut)).toContain("no sign of life for 8 s, though both live");
  expect(message({ ...cut, rank: 0 })).toMatch(/^Rank 0 has lost all other machines; the other ranks stop/);
});
