// Imported before a program: what its processes, and those that they start, ask of the network fails, and is written down.
import dgram from "node:dgram";
import dns from "node:dns";
import { appendFileSync } from "node:fs";
import net from "node:net";

const log = process.env["NETWORK_LOG"] ?? "";
const refusal = (what: string) =>
  function refuse() {
    appendFileSync(log, `${what}\n`);
    throw Object.assign(new Error(`${what}: there is no network here`), { code: "ENETUNREACH" });
  };

function refuseAll(holder: object, names: readonly string[]) {
  Object.assign(holder, Object.fromEntries(names.map((name) => [name, refusal(name)])));
}

refuseAll(dgram.Socket.prototype, ["bind", "connect", "send"]);
refuseAll(dns, ["resolve", "resolve4", "resolve6"]);
refuseAll(dns.promises, ["lookup", "resolve", "resolve4", "resolve6"]);

// A socket of the file system (tsx has one) is not the network.
const { connect } = net.Socket.prototype;
Object.assign(net.Socket.prototype, {
  connect(this: net.Socket, ...args: unknown[]) {
    const [first] = args.flat();
    const options = typeof first === "object" && first !== null ? first : { path: first };
    const isFile = "path" in options && typeof options.path === "string";
    if (isFile) return Reflect.apply(connect, this, args);
    const host = "host" in options ? options.host : first;
    return refusal(`connect to ${host}`)();
  },
});

// A server looks up the address that it listens on.
const { lookup } = dns;
Object.assign(dns, {
  lookup(host: string, ...rest: unknown[]) {
    return net.isIP(host) === 0 ? refusal("lookup")() : Reflect.apply(lookup, dns, [host, ...rest]);
  },
});
