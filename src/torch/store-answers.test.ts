import { expect, it } from "vitest";
import { whenAnswered } from "./store-answers.ts";

const store = { host: "node1", port: 29500 };

it("ends the wait for a request that the store does not answer, some seconds after the request's own limit", async () => {
  const never = new Promise<string>(() => {});
  await expect(whenAnswered(never, store, 0.1)).rejects.toMatchObject({ code: "run", where: "node1:29500" });
  await expect(whenAnswered(Promise.resolve("yes"), store, 0.1)).resolves.toBe("yes");
});
