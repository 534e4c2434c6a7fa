import { ScaloraError } from "../util/errors.ts";
import type { StoreAddress } from "./launch.ts";

/** The variables of a launcher; whatever is wrong with one is an error `usage` that names it. */
export class Variables {
  private readonly env: NodeJS.ProcessEnv;
  /** The launcher, for messages. */
  private readonly launcher: string | undefined;

  /** @param launcher undefined where nothing tells who has set them */
  constructor(env: NodeJS.ProcessEnv, launcher: string | undefined) {
    this.env = env;
    this.launcher = launcher;
  }

  /** The value of a variable; undefined if it is empty. */
  text(name: string): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  /** @param fix what to do when it is not set */
  requiredText(name: string, fix: string): string {
    return this.text(name) ?? this.fail(name, "a value", { fix });
  }

  /** A whole number within limits; undefined if it is not set. */
  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const limit = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
    return this.fail(name, `a whole number, ${limit}`);
  }

  requiredInteger(name: string, least: number, most?: number): number {
    return this.integer(name, least, most) ?? this.fail(name, "a whole number");
  }

  /** A rank and the number of ranks, from variables that must both be set. @param fix what to do when one is not */
  rankOf(rankName: string, sizeName: string, fix?: string): { rank: number; worldSize: number } {
    const required = (name: string, least: number, other: string) =>
      this.integer(name, least) ?? this.fail(name, "a whole number", { found: this.setting(other), fix });
    const worldSize = required(sizeName, 1, rankName);
    const rank = required(rankName, 0, sizeName);
    if (rank < worldSize) return { rank, worldSize };
    return this.fail(rankName, `less than ${sizeName}, ${worldSize}: ranks count from 0`);
  }

  /** `MASTER_ADDR` and `MASTER_PORT`, or what stands for them where they are not set. */
  store(host: () => string, port: () => number): StoreAddress {
    return {
      host: this.text("MASTER_ADDR") ?? host(),
      port: this.integer("MASTER_PORT", 1, 65535) ?? port(),
    };
  }

  /** @param hints what is found and what to do, where the variable is not set */
  fail(
    name: string,
    expected: string,
    { found, fix }: { found?: string | undefined; fix?: string | undefined } = {},
  ): never {
    const setting = this.setting(name);
    throw new ScaloraError("usage", `${name} is ${setting === undefined ? "not set" : "not valid"}`, {
      where: this.launcher === undefined ? "the environment" : `the environment, as ${this.launcher} sets it`,
      expected,
      found: setting ?? found,
      fix,
    });
  }

  private setting(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : `${name}=${text}`;
  }
}
