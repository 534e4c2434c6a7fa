// Imported before a program: what its processes, and those that they start, ask of the network fails, and is written down.
import dgram from "node:dgram";
import dns from "node:dns";
import { appendFileSync } from "node:fs";
import net from "node:net";

const log = process.env["NETWORK_LOG"] ?? "";
const refusal = (what) =>
  function refuse() {
    appendFileSync(log, `${what}\n`);
    throw Object.assign(new Error(`${what}: there is no network here`), { code: "ENETUNREACH" });
  };

for (const [holder, names] of [
  [dgram.Socket.prototype, ["bind", "connect", "send"]],
  [dns, ["resolve", "resolve4", "resolve6"]],
  [dns.promises, ["lookup", "resolve", "resolve4", "resolve6"]],
])
  for (const name of names) holder[name] = refusal(name);

// A socket of the file system (tsx has one) is not the network.
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function connectHere(...args) {
  const [first] = args.flat();
  const isFile = typeof first === "string" || first?.path;
  return isFile ? connect.apply(this, args) : refusal(`connect to ${first?.host ?? first}`)();
};

// A server looks up the address that it listens on.
const { lookup } = dns;
dns.lookup = (host, ...rest) => (net.isIP(host) === 0 ? refusal("lookup")() : lookup(host, ...rest));
