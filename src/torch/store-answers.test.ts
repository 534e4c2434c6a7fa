import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { freePort } from "../util/free-port.ts";
import { isThere, whenAnswered, whenOpened } from "./store-answers.ts";

/** How long the name of an address takes. */
const naming = vi.hoisted(() => ({ milliseconds: 0 }));
vi.mock("node:dns/promises", () => ({ lookupService: () => sleep(naming.milliseconds) }));

const store = { host: "node1", port: 29500, owner: "rank 0" } as const;

it("ends the wait for a request that the store does not answer, some seconds after the request's own limit", async () => {
  const never = new Promise<string>(() => {});
  await expect(whenAnswered(never, store, 0.1)).rejects.toMatchObject({ code: "run", where: "node1:29500" });
  await expect(whenAnswered(Promise.resolve("yes"), store, 0.1)).resolves.toBe("yes");
});

it("ends the wait for a port where something says nothing, but not where names take long, for which c10d waits", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const place = { ...store, host: "127.0.0.1", port: address.port };
  const opens = () => sleep(7000, "opened");
  const given = whenOpened(opens(), place);
  naming.milliseconds = 1100;
  const slow = whenOpened(opens(), place);
  await expect(given).rejects.toMatchObject({ where: `127.0.0.1:${address.port}` });
  await expect(slow).resolves.toBe("opened");
  server.close();
});

it("finds a store soon after it is there, and gives up after the limit", async () => {
  const place = { ...store, host: "127.0.0.1", port: await freePort() };
  expect(await isThere(place, 0.3)).toBe(false);
  const found = isThere(place, 60).then((is) => ({ is, at: performance.now() }));
  await sleep(1500);
  const server = createServer().listen(place.port, place.host);
  const begin = performance.now();
  const { is, at } = await found;
  server.close();
  expect(is).toBe(true);
  expect(at - begin).toBeLessThan(5000);
});
