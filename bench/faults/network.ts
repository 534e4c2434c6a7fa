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
    this.mend();
  }

  /** Packets vanish, silently. */
  cut(): void {
    forward(0);
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

const forward = (value: 0 | 1) =>
  run("ip", ["netns", "exec", router, "sh", "-c", `echo ${value} > /proc/sys/net/ipv4/ip_forward`]);

const ip = (...words: string[]) => run("ip", words);

function run(command: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${words.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
