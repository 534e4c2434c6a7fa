// The thread in which a rank watches the others and is watched: it goes on while the main thread computes. Node runs this file as
// it is: types that can be erased only, and no `using`.
import { type MessagePort, workerData } from "node:worker_threads";
import { messageOf } from "../../util/errors.ts";
import type { Place, Report, Verdict } from "./messages.ts";
import { precedence, WatchClient } from "./watch-client.ts";
import { WatchServer } from "./watch-server.ts";

/** What the thread is started with. */
export interface ThreadData {
  /** To the main thread. */
  readonly port: MessagePort;
  readonly own: Place;
  readonly size: number;
  /** Milliseconds. */
  readonly silence: number;
  readonly token: string;
  /** Shared with the main thread: the collectives begun; then whether leave has been taken. */
  readonly shared: Int32Array;
}

/** From the main thread. */
export type Order =
  | { readonly type: "listen"; readonly host: string }
  | { readonly type: "connect"; readonly host: string; readonly port: number; readonly token: string }
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "bye" }
  | { readonly type: "end" };

/** To the main thread. */
export type Notice =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "joined" }
  | { readonly type: "verdict"; readonly verdict: Verdict }
  | { readonly type: "refused"; readonly message: string };

const { port, own, size, silence, token, shared }: ThreadData = workerData;

/** Milliseconds for which a rank that has failed stays connected: the others learn of its end, or end before. */
const lingering = precedence + 1000;

let server: WatchServer | undefined;
let client: WatchClient | undefined;

const notify = (notice: Notice) => port.postMessage(notice);

function follow(order: Order): void {
  if (order.type === "listen") listen(order.host);
  if (order.type === "connect")
    client = new WatchClient({
      host: order.host,
      port: order.port,
      token: order.token,
      own,
      silence,
      calls: () => Atomics.load(shared, 0),
      onJoined: () => notify({ type: "joined" }),
      onVerdict: (verdict) => notify({ type: "verdict", verdict }),
      onRefused: (message) => notify({ type: "refused", message }),
    });
  if (order.type === "report") client?.report(order.report);
  if (order.type === "bye") {
    client?.bye();
    server?.bye();
    Atomics.store(shared, 1, 1);
    Atomics.notify(shared, 1);
    port.close();
  }
  if (order.type === "end")
    setTimeout(() => {
      client?.end();
      server?.end();
      port.close();
    }, lingering);
}

function listen(host: string): void {
  WatchServer.listen(host, { size, silence, token, first: own }).then(
    (listening) => {
      server = listening.server;
      notify({ type: "listening", port: listening.port });
    },
    (error: unknown) => notify({ type: "refused", message: messageOf(error) }),
  );
}

port.on("message", follow);
