import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, ScaloraError } from "../util/errors.ts";

/** Seconds for which a name may be unknown: a cluster's names appear as its machines start. */
const patience = 6;

/** The address of a host. @throws ScaloraError `usage` when its name stays unknown */
export async function resolveHost(host: string, seconds = patience): Promise<string> {
  const end = performance.now() + seconds * 1000;
  while (true) {
    try {
      return (await lookup(host)).address;
    } catch (error) {
      if (performance.now() < end) await sleep(500);
      else throw unknownHost(host, error);
    }
  }
}

function unknownHost(host: string, cause: unknown): ScaloraError {
  return new ScaloraError("usage", "The host of rank 0 is unknown", {
    where: `MASTER_ADDR=${host}`,
    expected: "a name or an address that this machine can resolve",
    found: messageOf(cause),
    fix: "set MASTER_ADDR to the host of rank 0, on all ranks",
    cause,
  });
}

/**
 * The address by which the other ranks reach this one: that of a network interface if one is named, otherwise the one from which
 * this machine speaks to the store. Where the store's host is this machine and its name stands for the loopback interface (as in
 * Debian's /etc/hosts), ranks on other machines need another address.
 * @param host of the store, a name or an address
 * @param store its address, as `resolveHost` gives it
 * @throws ScaloraError `usage` when there is no such interface
 */
export async function addressOfThisRank(
  host: string,
  store: string,
  { networkInterface, spansMachines }: { networkInterface: string | undefined; spansMachines: boolean },
): Promise<string> {
  if (networkInterface !== undefined) return addressOfInterface(networkInterface);
  const address = await sourceAddress(store);
  const isHidden = spansMachines && isLoopback(address) && !isLoopback(host);
  return (isHidden ? externalAddress() : undefined) ?? address;
}

const isLoopback = (host: string) => host === "localhost" || host.startsWith("127.") || host === "::1";

function externalAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

function addressOfInterface(name: string): string {
  const interfaces = networkInterfaces();
  const addresses = interfaces[name] ?? [];
  const found = addresses.find(({ family }) => family === "IPv4") ?? addresses[0];
  if (found !== undefined) return found.address;
  throw new ScaloraError("usage", "There is no such network interface", {
    where: "GLOO_SOCKET_IFNAME",
    expected: Object.keys(interfaces).join(", "),
    found: name,
    fix: "name one of this machine's, or unset it: then the one towards rank 0 is taken",
  });
}

/** Connecting a UDP socket sends nothing, but lets the system choose the address. */
function sourceAddress(target: string): Promise<string> {
  const socket = createSocket(target.includes(":") ? "udp6" : "udp4");
  return new Promise<string>((resolve, reject) => {
    socket.once("error", reject);
    socket.connect(9, target, () => resolve(socket.address().address));
  }).finally(() => socket.close());
}
