import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { cannotWrite } from "./cannot-write.ts";

const systemError = (code: string) => Object.assign(new Error(`${code}: refused`), { code });
const errorFor = (cause: unknown, otherwise?: string) =>
  cannotWrite("The file cannot be written", "out.json", { cause, ...(otherwise && { otherwise }) });

test.each([
  ["EACCES", /permission/],
  ["EPERM", /permission/],
  ["EROFS", /read-only/],
  ["ENOSPC", /disk space/],
  ["EDQUOT", /disk space/],
  ["EISDIR", /a folder/],
  ["ENOTDIR", /a file/],
  ["ENAMETOOLONG", /shorter/],
  ["EIO", /disk/],
])("the cure for %s is its own", (code, cure) => {
  const error = errorFor(systemError(code), "choose another file");
  expect(error).toEqual(refusal("run", { where: "out.json", found: `${code}: refused`, fix: cure }));
  expect(error.fix).toMatch(/, or choose another file$/);
  expect(errorFor(systemError(code)).fix).toMatch(/, and try again$/);
});

test("of another reason only what else can be done is said", () => {
  const reason = new Error("a pipe, not a file");
  expect(errorFor(reason, "choose another file").fix).toBe("choose another file");
  expect(errorFor(reason).fix).toBe("try again");
});
