// Two hosts as network namespaces, with a router between them that can stop passing packets on.
import { spawnSync } from "node:child_process";

const router = "scalora-router";
const hosts = ["scalora-host0", "scalora-host1"] as const;

/** The address of the host that has rank 0. */
export const firstAddress = "10.87.0.2";

/** The words before a command that run it on a host. */
export const onHost = (rank: number): readonly string[] => ["ip", "netns", "exec", hosts[rank % 2] ?? ""];

/** Two hosts, each with a cable to the router. */
export class Network implements Disposable {
  constructor() {
    this[Symbol.dispose]();
    ip("netns", "add", router);
    for (const [i, host] of hosts.entries()) {
      const [mine, theirs] = [`10.87.${i}.2`, `10.87.${i}.1`];
      ip("netns", "add", host);
      ip("-n", host, "link", "set", "lo", "up");
      ip("-n", host, "link", "add", "eth0", "type", "veth", "peer", "name", `port${i}`, "netns", router);
      ip("-n", host, "addr", "add", `${mine}/24`, "dev", "eth0");
      ip("-n", host, "link", "set", "eth0", "up");
      ip("-n", router, "addr", "add", `${theirs}/24`, "dev", `port${i}`);
      ip("-n", router, "link", "set", `port${i}`, "up");
      ip("-n", host, "route", "add", "default", "via", theirs);
    }
    // c10d looks up the names of addresses: that there is no name service here it hears at once, however often it asks.
    setOfRouter("icmp_ratelimit", 0);
    this.mend();
  }

  /** Packets vanish, silently, from the time on that is returned, in milliseconds since 1970. */
  cut(): number {
    return forward(0);
  }

  mend(): void {
    forward(1);
  }

  [Symbol.dispose](): void {
    for (const name of [router, ...hosts]) spawnSync("ip", ["netns", "del", name]);
  }
}

/** Why there can be no such network here; undefined where there can. */
export function whyNoNetwork(): string | undefined {
  try {
    new Network()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const forward = (value: 0 | 1) => setOfRouter("ip_forward", value);

/** @returns when it was done, in milliseconds since 1970 */
function setOfRouter(setting: string, value: number): number {
  const script = `echo ${value} > /proc/sys/net/ipv4/${setting} && date +%s%3N`;
  return Number(run("ip", ["netns", "exec", router, "sh", "-c", script]));
}

const ip = (...words: string[]) => run("ip", words);

function run(command: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${words.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
