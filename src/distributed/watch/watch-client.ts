// Node runs this file as it is: types that can be erased only, and no `using`.
import { connect } from "node:net";
import {
  isExplained,
  Line,
  type Place,
  type Report,
  readPlace,
  readVerdict,
  type Said,
  type Verdict,
} from "./messages.ts";
import { everyTick } from "./ticks.ts";

/** Milliseconds that the others give the rank of an error to end: who looks at the ranks from outside sees it end first. */
export const precedence = 2000;

export interface ClientOptions {
  /** Where rank 0 listens. */
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** This rank. */
  readonly own: Place;
  /** Milliseconds. */
  readonly silence: number;
  /** The collectives that this rank has begun. */
  readonly calls: () => number;
  readonly onJoined: () => void;
  /** Called once, when this rank is to stop. */
  readonly onVerdict: (verdict: Verdict) => void;
  /** Called when rank 0 cannot be reached, or is none, before it has been. */
  readonly onRefused: (message: string) => void;
}

/** The connection of a rank to rank 0: says that this one lives, and hears when and why all stop. */
export class WatchClient {
  private readonly options: ClientOptions;
  private readonly line: Line<Said>;
  private readonly stopTicks: () => void;
  private heard = performance.now();
  private first: Place | undefined;
  private hasFirstLeft = false;
  private state: "joining" | "there" | "judged" | "over" = "joining";
  private act: () => void = () => {};

  constructor(options: ClientOptions) {
    this.options = options;
    const { host, port, token, own } = options;
    let refusal = "it ended the connection";
    const socket = connect({ host, port });
    socket.once("error", ({ message }) => {
      refusal = message;
    });
    this.line = new Line<Said>(
      socket,
      (message) => this.hear(message),
      () => {
        this.refuse(refusal);
        if (!this.hasFirstLeft) this.lose("gone");
      },
    );
    socket.once("connect", () => this.line.send({ type: "hello", token, ...own }));
    this.stopTicks = everyTick({
      pause: (suspended) => {
        this.heard += suspended;
      },
      beat: () => this.line.send({ type: "beat", calls: options.calls() }),
      look: () => this.look(),
    });
  }

  report(report: Report): void {
    this.line.send({ type: "report", report });
    if (this.hasFirstLeft && !isExplained(report.kind)) this.lose("left");
  }

  /** Takes leave: this rank is no longer watched. */
  bye(): void {
    this.state = "over";
    this.stopTicks();
    this.line.send({ type: "bye" });
    this.line.end();
  }

  /** Ends the connection without leave. */
  end(): void {
    this.state = "over";
    this.stopTicks();
    this.line.destroy();
  }

  private look(): void {
    const { silence } = this.options;
    if (performance.now() - this.heard <= silence) return;
    this.refuse(`no answer in ${silence / 1000} s`);
    this.line.send({ type: "gaveUp" });
    this.lose("silent");
  }

  /** Rank 0 cannot be joined. */
  private refuse(message: string): void {
    if (this.state !== "joining") return;
    this.end();
    this.options.onRefused(message);
  }

  private hear(message: Record<string, unknown>): void {
    this.heard = performance.now();
    const { type } = message;
    if (type === "welcome" && this.state === "joining") {
      this.first = readPlace(message["first"]);
      this.state = "there";
      this.options.onJoined();
    }
    const verdict = type === "verdict" ? readVerdict(message["verdict"]) : undefined;
    if (verdict) this.judge(verdict);
    if (type === "culpritEnded") this.act();
    if (type === "bye") {
      this.hasFirstLeft = true;
      this.stopTicks();
    }
  }

  private judge(verdict: Verdict): void {
    if (this.state !== "there") return;
    this.state = "judged";
    this.act = () => {
      this.act = () => {};
      this.options.onVerdict(verdict);
    };
    if (!isExplained(verdict.kind) || verdict.rank === this.options.own.rank) this.act();
    else setTimeout(() => this.act(), precedence);
  }

  /** Rank 0 is gone, silent or has left, and with it whoever could say more. */
  private lose(kind: "gone" | "silent" | "left"): void {
    this.stopTicks();
    if (this.state === "there" && this.first) this.judge({ ...this.first, kind, text: "" });
    this.act();
  }
}
