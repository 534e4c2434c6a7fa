// What the watching threads of the ranks say to each other. Node runs this file as it is: types that can be erased only.
import type { Socket } from "node:net";
import { isRecord } from "../../util/json.ts";

/**
 * What became of the rank for which all stop: it threw an error (`failed`), it was asked to stop by a signal (`stopped`), its process
 * ended without a word (`gone`), it and rank 0 heard nothing of each other though both live, or rank 0 heard nothing of any other
 * machine (`cut`), it gave no sign of life (`silent`), it did not come to a collective in which the others waited (`late`), it left
 * the group meanwhile (`left`), or it alone lost the connection to another (`lost`).
 */
export const verdictKinds = ["gone", "failed", "stopped", "cut", "silent", "late", "left", "lost"] as const;
export type VerdictKind = (typeof verdictKinds)[number];

/** A rank, where it runs. */
export interface Place {
  readonly rank: number;
  readonly host: string;
  readonly pid: number;
}

/** Why all ranks stop. */
export interface Verdict extends Place {
  readonly kind: VerdictKind;
  /** The message of the rank's error; empty where it has said nothing. */
  readonly text: string;
  /** With which it ends, if it was asked to stop. */
  readonly exitCode?: number | undefined;
}

export function readPlace(value: unknown): Place {
  const { rank, host, pid } = isRecord(value) ? value : {};
  return { rank: Number(rank), host: String(host), pid: Number(pid) };
}

export function readVerdict(value: unknown): Verdict | undefined {
  const { kind, text, exitCode } = isRecord(value) ? value : {};
  const known = verdictKinds.find((name) => name === kind);
  return known && { ...readPlace(value), kind: known, text: String(text), ...readExitCode(exitCode) };
}

const readExitCode = (value: unknown) => (typeof value === "number" ? { exitCode: value } : {});

/** Whether a rank of such a verdict has said itself why it ends. */
export const isExplained = (kind: VerdictKind): boolean => kind === "failed" || kind === "stopped";

/** Characters of an error's message that are passed on. */
const maxText = 4000;

/** What a rank says about itself. */
export interface Report {
  readonly kind: "failed" | "stopped" | "late" | "lost";
  readonly text: string;
  /** With which it ends, if it was asked to stop. */
  readonly exitCode?: number | undefined;
}

export function readReport(value: unknown): Report | undefined {
  const { kind, text, exitCode } = isRecord(value) ? value : {};
  const known = (["failed", "stopped", "late", "lost"] as const).find((name) => name === kind);
  return known && { kind: known, text: String(text).slice(0, maxText), ...readExitCode(exitCode) };
}

/** From a rank to rank 0. `calls` counts the collectives that it has begun; `gaveUp`: it stops because rank 0 was silent. */
export type Said =
  | { readonly type: "hello"; readonly token: string; readonly rank: number; host: string; pid: number }
  | { readonly type: "beat"; readonly calls: number }
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "gaveUp" }
  | { readonly type: "bye" };

/** From rank 0 to a rank. `culpritEnded`: the process of the rank of the verdict has ended. */
export type Heard =
  | { readonly type: "welcome"; readonly first: Place }
  | { readonly type: "beat" }
  | { readonly type: "verdict"; readonly verdict: Verdict }
  | { readonly type: "culpritEnded" }
  | { readonly type: "bye" };

/** Characters of a line. */
const maxLine = 64 * 1024;

/** Messages as lines of JSON. What is no such line ends the connection. */
export class Line<Sent> {
  private readonly socket: Socket;
  private rest = "";

  constructor(socket: Socket, onMessage: (message: Record<string, unknown>) => void, onEnd: () => void) {
    this.socket = socket.setNoDelay().setEncoding("utf8");
    socket.on("data", (text) => {
      const lines = (this.rest + text).split("\n");
      this.rest = lines.pop() ?? "";
      for (const line of lines) {
        const message = parse(line);
        if (message === undefined) socket.destroy();
        else if (!socket.destroyed) onMessage(message);
      }
      if (this.rest.length > maxLine) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", onEnd);
  }

  send(message: Sent): void {
    if (this.socket.writable) this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends the connection once what was sent is on its way. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function parse(line: string): Record<string, unknown> | undefined {
  if (line.length > maxLine) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
