import { hostname, type NetworkInterfaceInfo, networkInterfaces } from "node:os";

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/**
 * Hosts, as in a URL, under which a server that listens on an address can be opened. A wildcard address expands to the addresses
 * that other machines can reach, without those of Docker's networks, or to the host name where there are none (a container's name is unknown outside).
 * @param host as the server was given it, for a single address
 * @param address on which it listens
 */
export function hostsOf(host: string, address: string, interfaces: Interfaces = networkInterfaces()) {
  if (address !== "0.0.0.0" && address !== "::") return [bracketed(host)];
  const hosts = Object.entries(interfaces)
    .filter(([name]) => !/^(docker\d|br-|veth)/.test(name))
    .flatMap(([, addresses = []]) => addresses)
    .filter(({ internal, family }) => !internal && (address === "::" || family === "IPv4"))
    // A link-local address needs the name of the reader's own interface, which no browser takes.
    .filter((one) => !/^fe[89ab]/i.test(one.address))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map((one) => bracketed(one.address));
  return hosts.length === 0 ? [hostname()] : hosts;
}

const bracketed = (host: string) => (host.includes(":") ? `[${host}]` : host);
