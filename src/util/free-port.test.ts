import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test, vi } from "vitest";
import { freePort } from "./free-port.ts";

test("free ports are not among those that the system gives to connections in the meantime", async () => {
  for (let i = 0; i < 20; i++) {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
  }
});

test("a port on which somebody listens, at any address, is not free", async () => {
  const choose = vi.spyOn(Math, "random").mockReturnValue(0.5);
  const taken = await freePort();
  const server = createServer().listen(taken, "127.0.0.2");
  await once(server, "listening");
  choose.mockReturnValueOnce(0.5).mockReturnValue(0.25);
  expect(await freePort()).not.toBe(taken);
  server.close();
  vi.restoreAllMocks();
});
