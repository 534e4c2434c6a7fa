// Node runs this file as it is: types that can be erased only, and no `using`.
import { createServer, type Server, type Socket } from "node:net";
import { Judge, settling } from "./judge.ts";
import { type Heard, Line, type Place, readReport } from "./messages.ts";
import { everyTick } from "./ticks.ts";

/** Milliseconds for which a connection may stay unknown. */
const patience = 5000;
/** Characters of a host's name. */
const maxHost = 255;

export interface ServerOptions {
  readonly size: number;
  /** Milliseconds. */
  readonly silence: number;
  /** What the ranks of this job know, and others do not. */
  readonly token: string;
  /** The rank that has the server. */
  readonly first: Place;
}

/** On rank 0: hears all ranks, itself too, and tells all of them when and why they stop. */
export class WatchServer {
  private readonly options: ServerOptions;
  private readonly judge: Judge;
  private readonly lines = new Map<number, Line<Heard>>();
  private readonly server: Server;
  private readonly stopTicks: () => void;
  private isTold = false;

  private constructor(server: Server, options: ServerOptions) {
    this.server = server;
    this.options = options;
    this.judge = new Judge(options.size, options.silence, performance.now());
    server.on("connection", (socket) => this.accept(socket));
    this.stopTicks = everyTick({
      pause: (suspended) => this.judge.slept(suspended, performance.now()),
      beat: () => this.sendAll({ type: "beat" }),
      look: () => {
        this.judge.runs(performance.now());
        this.look();
      },
    });
  }

  /** Listens at an address of this machine. @returns the server and its port */
  static listen(host: string, options: ServerOptions): Promise<{ server: WatchServer; port: number }> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, host, () => {
        const address = server.address();
        const port = address !== null && typeof address === "object" ? address.port : 0;
        resolve({ server: new WatchServer(server, options), port });
      });
    });
  }

  /** Takes leave of the other ranks: they are no longer watched. */
  bye(): void {
    this.stopTicks();
    this.sendAll({ type: "bye" });
    for (const line of this.lines.values()) line.end();
    this.server.close();
  }

  /** Ends all connections, without leave. */
  end(): void {
    this.stopTicks();
    for (const line of this.lines.values()) line.destroy();
    this.server.close();
  }

  private accept(socket: Socket): void {
    let rank: number | undefined;
    let isOrderly = false;
    const line = new Line<Heard>(
      socket,
      (message) => {
        if (rank === undefined) rank = this.greet(line, message);
        else if (message["type"] === "bye") isOrderly = true;
        else this.hear(rank, message);
      },
      () => {
        clearTimeout(limit);
        if (rank !== undefined) this.lost(rank, isOrderly);
      },
    );
    const limit = setTimeout(() => rank === undefined && line.destroy(), patience);
  }

  /** @returns the rank that says hello; undefined for a stranger, whose connection ends */
  private greet(line: Line<Heard>, message: Record<string, unknown>): number | undefined {
    const { type, token, rank, host, pid } = message;
    const isKnown = type === "hello" && token === this.options.token;
    const place = { rank: Number(rank), host: String(host).slice(0, maxHost), pid: Number(pid) };
    if (!isKnown || !this.judge.join(place, performance.now())) {
      line.destroy();
      return undefined;
    }
    this.lines.set(place.rank, line);
    line.send({ type: "welcome", first: this.options.first });
    if (this.isTold) this.tell(line);
    return place.rank;
  }

  private hear(rank: number, message: Record<string, unknown>): void {
    const now = performance.now();
    if (message["type"] === "beat") this.judge.beat(rank, Number(message["calls"]), now);
    if (message["type"] === "gaveUp") {
      this.judge.gaveUp(rank, now);
      this.look();
    }
    const report = message["type"] === "report" ? readReport(message["report"]) : undefined;
    if (!report) return;
    this.judge.report(rank, report, now);
    setTimeout(() => this.look(), settling + 1);
  }

  private lost(rank: number, isOrderly: boolean): void {
    this.lines.delete(rank);
    this.judge.ended(rank, isOrderly, performance.now());
    if (this.judge.verdict?.rank === rank) this.sendAll({ type: "culpritEnded" });
    this.look();
  }

  private look(): void {
    this.judge.tick(performance.now());
    if (this.isTold || this.judge.verdict === undefined) return;
    this.isTold = true;
    for (const line of this.lines.values()) this.tell(line);
  }

  private tell(line: Line<Heard>): void {
    const { verdict } = this.judge;
    if (verdict === undefined) return;
    line.send({ type: "verdict", verdict });
    if (!this.lines.has(verdict.rank)) line.send({ type: "culpritEnded" });
  }

  private sendAll(message: Heard): void {
    for (const line of this.lines.values()) line.send(message);
  }
}
