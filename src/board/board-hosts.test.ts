import { hostname, type NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { hostsOf } from "./board-hosts.ts";

const common = { netmask: "", mac: "", cidr: null };
const four = (address: string, internal = false): NetworkInterfaceInfo => ({
  ...common,
  family: "IPv4",
  address,
  internal,
});
const six = (address: string, internal = false): NetworkInterfaceInfo => ({
  ...common,
  family: "IPv6",
  address,
  internal,
  scopeid: 0,
});
const interfaces = {
  lo: [four("127.0.0.1", true), six("::1", true)],
  eth0: [six("fd00::2"), six("fe80::1"), four("192.0.2.2")],
  docker0: [four("172.17.0.1")],
  "br-0f5c": [four("172.18.0.1")],
  veth3ab2: [six("fd00::3")],
};

test.each([
  ["0.0.0.0", "0.0.0.0", ["192.0.2.2"]],
  ["::", "::", ["192.0.2.2", "[fd00::2]"]],
  ["0", "0.0.0.0", ["192.0.2.2"]],
  ["fd00::2", "fd00::2", ["[fd00::2]"]],
  ["::1", "::1", ["[::1]"]],
  ["localhost", "127.0.0.1", ["localhost"]],
])("--host %s, listening on %s, is opened by %j", (host, address, hosts) => {
  expect(hostsOf(host, address, interfaces)).toEqual(hosts);
});

test("a machine without a network is opened by its name", () => {
  expect(hostsOf("0.0.0.0", "0.0.0.0", { lo: interfaces.lo })).toEqual([hostname()]);
});
