import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { FolderClaim, isClaimed } from "./claim-folder.ts";

test("one run at a time has a folder", () => {
  const first = new FolderClaim("/runs/a");
  expect(() => new FolderClaim("/runs/a")).toThrow(refusal("usage", { where: "/runs/a", fix: "run.name" }));
  first[Symbol.dispose]();
  using _second = new FolderClaim("/runs/a");
  expect([isClaimed("/runs/a"), isClaimed("/runs/b")]).toEqual([true, false]);
});

test("who takes the folder of a run that is about to leave it waits until that is gone", async () => {
  const leaving = new EventEmitter();
  const first = new FolderClaim("/runs/c");
  first.leaveAfter(once(leaving, "gone").then(() => {}));
  first[Symbol.dispose]();
  const second = new FolderClaim("/runs/c");
  const waiting = second.isFree.then(() => "free");
  expect(await Promise.race([waiting, "waiting"])).toBe("waiting");
  leaving.emit("gone");
  expect(await waiting).toBe("free");
  expect(isClaimed("/runs/c")).toBe(true);
  second[Symbol.dispose]();
  expect(isClaimed("/runs/c")).toBe(false);
});

test("a folder is free though something went wrong as the run left it, and the program lives", async () => {
  const first = new FolderClaim("/runs/d");
  const gone = Promise.reject(new Error("a file is in use"));
  first.leaveAfter(gone);
  await expect(gone).rejects.toThrow("in use");
  first[Symbol.dispose]();
  using second = new FolderClaim("/runs/d");
  await second.isFree;
  expect(isClaimed("/runs/d")).toBe(true);
});
