import { networkInterfaces } from "node:os";
import { expect, it } from "vitest";
import { addressOfThisRank, resolveHost } from "./address.ts";

const [loopback = ""] = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
  addresses.some(({ address }) => address === "127.0.0.1") ? [name] : [],
);

it("gives up on a host that stays unknown", async () => {
  await expect(resolveHost("no-such-host.invalid", 0.6)).rejects.toMatchObject({
    code: "usage",
    where: "MASTER_ADDR=no-such-host.invalid",
  });
  expect(await resolveHost("127.0.0.1")).toBe("127.0.0.1");
});

it("speaks from the address towards the store, or that of the interface named", async () => {
  const near = { networkInterface: undefined, spansMachines: false };
  expect(await addressOfThisRank("here", "127.0.0.1", near)).toBe("127.0.0.1");
  const named = { ...near, networkInterface: loopback };
  expect(await addressOfThisRank("there", "10.1.2.3", named)).toBe("127.0.0.1");
});

it("lets other machines reach a host whose name stands for its loopback interface", async () => {
  const external = Object.values(networkInterfaces())
    .flatMap((list = []) => list)
    .find(({ internal, family }) => !internal && family === "IPv4");
  const options = { networkInterface: undefined, spansMachines: true };
  expect(await addressOfThisRank("node1", "127.0.0.1", options)).toBe(external?.address ?? "127.0.0.1");
  expect(await addressOfThisRank("localhost", "127.0.0.1", options)).toBe("127.0.0.1");
});

it("refuses an interface that is not there", async () => {
  const options = { networkInterface: "ib9", spansMachines: true };
  await expect(addressOfThisRank("node1", "127.0.0.1", options)).rejects.toMatchObject({
    code: "usage",
    where: "GLOO_SOCKET_IFNAME",
    found: "ib9",
  });
});
