// Ranks of one process, without threads: servers and clients as the threads have them.
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { Verdict } from "./messages.ts";
import { WatchClient } from "./watch-client.ts";
import { WatchServer } from "./watch-server.ts";

const host = "127.0.0.1";
const token = "secret";
const place = (rank: number) => ({ rank, host: "here", pid: 100 + rank });

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Watched {
  readonly client: WatchClient;
  readonly verdict: Promise<Verdict>;
}

function join(port: number, rank: number, silence: number): Promise<Watched> {
  return new Promise((resolve, reject) => {
    const verdict = new Promise<Verdict>((onVerdict) => {
      const client: WatchClient = new WatchClient({
        host,
        port,
        token,
        own: place(rank),
        silence,
        calls: () => 0,
        onVerdict,
        onJoined: () => resolve({ client, verdict }),
        onRefused: (message) => reject(new Error(message)),
      });
      ends.push(() => client.bye());
    });
  });
}

/** All ranks of a job. */
async function watched(size: number, silence = 8000) {
  const options = { size, silence, token, first: place(0) };
  const { server, port } = await WatchServer.listen(host, options);
  ends.push(() => server.bye());
  const ranks: Watched[] = [];
  for (let rank = 0; rank < size; rank++) ranks.push(await join(port, rank, silence));
  return { server, port, ranks };
}

it("tells all ranks which has failed and why, the others once its connection has ended", async () => {
  const { ranks } = await watched(3);
  const expected = { ...place(1), kind: "failed", text: "no rows" };
  ranks[1]?.client.report({ kind: "failed", text: "no rows" });
  expect(await ranks[1]?.verdict).toEqual(expected);
  const others = Promise.all([ranks[0]?.verdict, ranks[2]?.verdict]);
  expect(await Promise.race([others, wait(300)])).toBe("waited");
  ranks[1]?.client.bye();
  expect(await Promise.race([others, wait(1000)])).toEqual([expected, expected]);
});

it("tells the others that a connection ends without leave, and nothing when it ends with it", async () => {
  const { server, port } = await WatchServer.listen(host, { size: 3, silence: 8000, token, first: place(0) });
  ends.push(() => server.bye());
  const first = await join(port, 0, 8000);
  const left = await join(port, 1, 8000);
  left.client.bye();
  expect(await Promise.race([first.verdict, wait(300)])).toBe("waited");
  const socket = connect({ host, port });
  socket.write(`${JSON.stringify({ type: "hello", token, ...place(2) })}\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  expect(await first.verdict).toEqual({ ...place(2), kind: "gone", text: "" });
});

it("names rank 0 where its server ends or is silent, and where it has left while it is needed", async () => {
  const { server, ranks } = await watched(2);
  server.bye();
  const [, other] = ranks;
  expect(await Promise.race([other?.verdict, wait(300)])).toBe("waited");
  other?.client.report({ kind: "lost", text: "closed by peer" });
  expect(await other?.verdict).toEqual({ ...place(0), kind: "left", text: "" });
});

it("waits with a verdict for ranks that join, and tells one that joins too late", async () => {
  const { server, port } = await WatchServer.listen(host, { size: 3, silence: 1500, token, first: place(0) });
  ends.push(() => server.bye());
  const first = await join(port, 0, 8000);
  (await join(port, 1, 8000)).client.end();
  expect(await Promise.race([first.verdict, wait(800)])).toBe("waited");
  const last = await join(port, 2, 8000);
  const expected = { ...place(1), kind: "gone", text: "" };
  for (const rank of [first, last]) expect(await Promise.race([rank.verdict, wait(1000)])).toEqual(expected);

  const { server: other, port: there } = await WatchServer.listen(host, {
    size: 2,
    silence: 700,
    token,
    first: place(0),
  });
  ends.push(() => other.bye());
  const alone = await join(there, 0, 8000);
  expect(await alone.verdict).toMatchObject({ rank: 1, kind: "silent" });
  expect(await (await join(there, 1, 8000)).verdict).toMatchObject({ rank: 1, kind: "silent" });
});

it("ends the wait for a rank 0 that says nothing", async () => {
  const { port, said } = await listen(() => {});
  await expect(join(port, 1, 700)).rejects.toThrow("no answer in 0.7 s");
  expect(await said).toContain("hello");
});

it("names rank 0 where nothing was heard of it, and to rank 0, which ran, the connection between the two", async () => {
  const welcome = `${JSON.stringify({ type: "welcome", first: place(0) })}\n`;
  const { port, said } = await listen((socket) => socket.write(welcome));
  const { client, verdict } = await join(port, 1, 700);
  expect(await verdict).toEqual({ ...place(0), kind: "silent", text: "" });
  client.end();
  const options = { size: 2, silence: 8000, token, first: place(0) };
  const { server, port: other } = await WatchServer.listen(host, options);
  ends.push(() => server.bye());
  const first = await join(other, 0, 8000);
  connect({ host, port: other }).end(await said);
  expect(await first.verdict).toEqual({ ...place(1), kind: "cut", text: "" });
});

it("lets strangers neither in nor disturb", async () => {
  const { port, ranks } = await watched(2);
  const stranger = (text: string) =>
    new Promise((resolve) => {
      const socket = connect({ host, port });
      socket.write(text);
      socket.on("error", () => {});
      socket.once("close", () => resolve("closed"));
    });
  const hello = { type: "hello", token, ...place(1) };
  const texts = [
    "GET / HTTP/1.1\r\n\r\n",
    "[1]\n",
    "x".repeat(200_000),
    `${JSON.stringify({ ...hello, token: "guess" })}\n`,
    `${JSON.stringify(hello)}\n`,
  ];
  for (const text of texts) expect(await stranger(text)).toBe("closed");
  expect(await Promise.race([ranks[0]?.verdict, wait(100)])).toBe("waited");
});

/** A port, and what its first connection said until it ended. */
async function listen(onConnection: (socket: Socket) => void) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  ends.push(() => server.close());
  const said = new Promise<string>((resolve) =>
    server.once("connection", (socket) => {
      let text = "";
      socket.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      socket.on("error", () => {}).once("close", () => resolve(text));
      onConnection(socket);
    }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, said };
}

const wait = (milliseconds: number) =>
  new Promise<string>((resolve) => setTimeout(resolve, milliseconds, "waited"));
