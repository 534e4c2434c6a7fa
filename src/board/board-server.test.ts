import { appendFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { moduleEnding } from "../report/index.ts";
import { runFiles } from "../run/run-files.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt, required } from "../util/elements.ts";
import { BoardRuns } from "./board-runs.ts";
import { type Board, startBoard } from "./board-server.ts";
import type { BoardList, BoardView } from "./page/board-data.ts";
import { finishedRun } from "./testing/example-run.ts";
import { eventually, slowTraining } from "./testing/slow-training.ts";

const scratch = temporaryFolder();
const boards: Board[] = [];
/** The board of two finished runs. */
let local = new URL("http://localhost");
beforeAll(async () => {
  for (const name of ["first", "second"]) finishedRun(join(scratch.path, name), 30);
  local = await board();
});
afterAll(async () => {
  for (const board of boards) await board.close();
  scratch.remove();
});

async function board(host = "127.0.0.1", folder = scratch.path): Promise<URL> {
  const started = await startBoard({ folder, host, port: 0 });
  boards.push(started);
  return new URL(required(started.links[0], "a link"));
}

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

interface Answer {
  status: number | undefined;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A request as it is written, which `fetch` would tidy up. */
function ask(
  { port }: URL,
  path: string,
  { method = "GET", headers = {}, body }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.on("data", (piece) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function listed(url: URL): Promise<BoardList> {
  return JSON.parse((await ask(url, "/api/runs")).text);
}

async function viewed(url: URL, ...ids: string[]): Promise<BoardView> {
  const query = ids.map((id) => `run=${id}`).join("&");
  return JSON.parse((await ask(url, `/api/view?${query}`)).text);
}

const command = (url: URL, body: unknown, headers: Record<string, string> = {}) =>
  ask(url, "/api/control", {
    method: "POST",
    headers: { origin: url.origin, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

test("runs are listed, and several of them shown in one chart", async () => {
  const url = local;
  const { folder, runs } = await listed(url);
  expect(folder).toBe(scratch.path);
  expect(runs).toMatchObject([
    { name: "first", state: "finished", active: false, step: 30, model: "SmolLM2-135M", problem: null },
    { name: "second", lr: 1e-4, tokensPerSecond: 800, memory: 2 ** 30 },
  ]);
  const view = await viewed(url, ...runs.map(({ id }) => id));
  const losses = view.charts.find(({ title }) => title === "Training loss");
  expect(losses?.names).toEqual(["first", "second"]);
  expect(losses?.data.map(({ length }) => length)).toEqual([30, 30, 30]);
  expect(view.runs[0]).toMatchObject({ title: "first", problem: null });
  expect(view.runs[0]?.samples[0]?.outputs.map(({ mark }) => mark)).toEqual([undefined, "wrong", "right"]);
  expect(view.runs[0]?.groups.map(({ title }) => title)).toContain("Settings: adapter");
});

test("a view that the reader has is not sent again until something happens", async () => {
  const folder = join(scratch.path, "growing");
  finishedRun(join(folder, "run"), 3);
  const url = await board("127.0.0.1", folder);
  const id = elementAt((await listed(url)).runs, 0).id;
  const { version } = await viewed(url, id);
  const again = () => ask(url, `/api/view?run=${id}&known=${encodeURIComponent(version)}`);
  expect((await again()).text).toBe("null");
  const warning = { time: "2026-01-01T00:00:00.000Z", type: "warning", step: 3, message: "new" };
  appendFileSync(join(folder, "run", runFiles.events), `${JSON.stringify(warning)}\n`);
  // A view that took long to make is kept a little longer.
  const view: BoardView = await eventually(async () => JSON.parse((await again()).text), "a newer view");
  expect(view.runs[0]?.warnings).toContain("Step 3: new");
});

test("one run's folder has a board, too; a folder that is not there yet has an empty one", async () => {
  expect((await listed(await board("127.0.0.1", join(scratch.path, "first")))).runs).toHaveLength(1);
  expect((await listed(await board("127.0.0.1", join(scratch.path, "later")))).runs).toEqual([]);
});

test("commands reach a run that is being trained, and no other", async () => {
  const folder = join(scratch.path, "live");
  const training = await slowTraining(join(folder, "run"));
  const url = await board("127.0.0.1", folder);
  const run = async () => elementAt((await listed(url)).runs, 0);
  const { id, active } = await run();
  expect(active).toBe(true);
  expect((await command(url, { run: id, command: "pause" })).status).toBe(200);
  await eventually(async () => (await run()).state === "paused", "the pause");
  expect((await command(url, { run: id, command: "continue" })).status).toBe(200);
  await eventually(async () => (await run()).state === "running", "the end of the pause");
  expect((await command(url, { run: id, command: "dance" })).status).toBe(400);
  await training.end();
  expect((await command(url, { run: id, command: "stop" })).status).toBe(409);
  expect(existsSync(join(folder, "run", runFiles.control))).toBe(false);
  expect((await command(url, { run: "ffff", command: "stop" })).status).toBe(404);
});

test("a damaged record and a newer version are shown as such, beside what can be read", async () => {
  const folder = join(scratch.path, "broken");
  for (const name of ["damaged", "newer"]) finishedRun(join(folder, name), 3);
  appendFileSync(join(folder, "damaged", runFiles.events), '{"type":"step","step":"four"}\n{}\n');
  writeFileSync(join(folder, "newer", runFiles.status), '{"version": 9}');
  const url = await board("127.0.0.1", folder);
  const [damaged, newer] = (await listed(url)).runs;
  expect(newer).toMatchObject({ state: "newer", active: false });
  expect(newer?.problem).toContain("A newer scalora wrote this run's record");
  const view = await viewed(url, required(damaged, "a run").id);
  expect(view.runs[0]?.problem).toContain("The run's record is damaged");
  expect(view.charts.map(({ title }) => title)).toContain("Training loss");
});

test.each([
  "/../../package.json",
  "/board/page/../../../package.json",
  "/board/page/..%2f..%2f..%2fpackage.json",
  "/board/page/%2e%2e/board-server.ts",
  "/%00",
  "//etc/passwd",
  "/style.css/",
  "/api/nothing",
])("nothing but the board's own files is served: %s", async (path) => {
  expect((await ask(local, path)).status).toBe(404);
});

test("ids are looked up, and never lead to a path", async () => {
  const url = local;
  const view = await viewed(url, "..", "first", encodeURIComponent("../../etc"), encodeURIComponent("/etc"));
  expect(view).toMatchObject({ runs: [], charts: [] });
  expect((await command(url, { run: "../first", command: "stop" })).status).toBe(404);
});

test("all modules of the page are served, and what they import", async () => {
  const url = local;
  const main = `/board/page/main${moduleEnding}`;
  const seen = new Set([main]);
  for (const address of seen) {
    const { status, headers, text } = await ask(url, address);
    expect([address, status, headers["content-type"]]).toEqual([
      address,
      200,
      "text/javascript; charset=utf-8",
    ]);
    for (const [, name] of text.matchAll(/^import [^;]* from "(\.[^"]+)";$/gm))
      seen.add(new URL(required(name, "a name"), new URL(address, url)).pathname);
  }
  expect(seen.size).toBeGreaterThan(7);
  const sources = readdirSync(new URL("page", import.meta.url)).filter((name) => name.endsWith(".ts"));
  expect(sources.length).toBeGreaterThan(5);
});

test("every answer forbids foreign scripts, frames and copies", async () => {
  const url = local;
  for (const path of ["/", "/api/runs", "/nothing"]) {
    const { headers } = await ask(url, path);
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  }
});

test.each([
  "evil.example",
  "evil.example:80",
  "127.0.0.1.evil.example",
  "user@127.0.0.1",
  "192.168.1.9",
  "a b",
])("a name that is not this machine's is refused (DNS rebinding): %s", async (host) => {
  const url = local;
  for (const path of ["/", "/api/runs"])
    expect([400, 421]).toContain((await ask(url, path, { headers: { host } })).status);
});

test.each(["localhost:9000", "127.0.0.1", "[::1]:80"])(
  "this machine's names are answered: %s",
  async (host) => {
    expect((await ask(local, "/api/runs", { headers: { host } })).status).toBe(200);
  },
);

test("commands of other pages are refused", async () => {
  const url = local;
  const body = { run: "x", command: "stop" };
  for (const origin of ["http://evil.example", "null", "http://127.0.0.1:1", "https://"])
    expect((await command(url, body, { origin })).status).toBe(403);
  const { host } = url;
  const without = { method: "POST", headers: { host, "content-type": "application/json" }, body: "{}" };
  expect((await ask(url, "/api/control", without)).status).toBe(403);
  expect((await command(url, body, { "content-type": "text/plain" })).status).toBe(415);
  expect((await command(url, "x".repeat(5000))).status).toBe(413);
  expect((await command(url, "{")).status).toBe(400);
  expect((await ask(url, "/api/runs", { method: "DELETE" })).status).toBe(405);
});

test("each printed link opens the board of a machine that others can reach", async () => {
  const addresses = Object.values(networkInterfaces()).flatMap((some = []) => some);
  for (const [host, family] of [
    ["0.0.0.0", "IPv4"],
    ["::", "IPv6"],
  ] as const) {
    if (!addresses.some((one) => one.family === family && !one.internal)) continue;
    const started = await startBoard({ folder: scratch.path, host, port: 0 });
    boards.push(started);
    for (const link of started.links)
      expect([link, (await fetch(link, { redirect: "manual" })).status]).toEqual([link, 303]);
  }
});

test("beyond this machine nothing is answered without the token, which the first use puts into a cookie", async () => {
  const url = await board("0.0.0.0");
  const token = required(url.searchParams.get("token") ?? undefined, "a token");
  expect(token).toMatch(/^[\w-]{32}$/);
  const address = new URL(`http://127.0.0.1:${url.port}/`);
  for (const path of [
    "/",
    "/api/runs",
    "/style.css",
    "/?token=",
    `/?token=${token.slice(1)}`,
    `/api/runs?token=${token}`,
  ])
    expect([path, (await ask(address, path)).status]).toEqual([path, 401]);
  const first = await ask(address, `/?token=${token}`);
  expect(first).toMatchObject({ status: 303, headers: { location: "/" } });
  const cookie = String(first.headers["set-cookie"]);
  expect(cookie).toMatch(/HttpOnly; SameSite=Lax; Path=\//);
  const headers = { cookie: required(cookie.split(";")[0], "a cookie") };
  expect((await ask(address, "/", { headers })).status).toBe(200);
  expect((await ask(address, "/api/runs", { headers })).status).toBe(200);
  expect((await ask(address, "/api/runs", { headers: { cookie: `${headers.cookie}x` } })).status).toBe(401);
  const rebound = await ask(address, "/api/runs", { headers: { ...headers, host: "evil.example" } });
  expect(rebound.status).toBe(421);
});

test("repeated runs, and those after the twentieth, are not in a view", async () => {
  const folder = join(scratch.path, "many");
  const names = Array.from({ length: 22 }, (_, i) => `run-${String(i).padStart(2, "0")}`);
  for (const name of names) finishedRun(join(folder, name), 1);
  const ids = new BoardRuns(folder).list().map(({ id }) => id);
  const first = elementAt(ids, 0);
  const view = await new BoardRuns(folder).view([first, first, ...ids], null);
  expect(view?.runs.map(({ id }) => id)).toEqual(ids.slice(0, 20));
});

test("views of other runs do not shorten the board's rest", async () => {
  const runs = new BoardRuns(scratch.path);
  const [first = "", second = ""] = runs.list().map(({ id }) => id);
  // A long run: a second of work at each view.
  const usage = vi.spyOn(process, "cpuUsage").mockReturnValue({ user: 1e6, system: 0 });
  try {
    const version = (await runs.view([first], null))?.version;
    // Looking at other runs is not delayed at once, but cannot go on.
    expect((await runs.view([second], null))?.runs).toHaveLength(1);
    const many = [[first], [first, second], [second, first], [first]].map((ids) => runs.view(ids, null));
    expect(await Promise.all(many)).toEqual([null, null, null, null]);
    // Who loads the page again gets what was made last.
    expect((await runs.view([second, second], null))?.runs).toHaveLength(1);
    expect(await runs.view([first], required(version, "a version"))).toBeNull();
  } finally {
    usage.mockRestore();
  }
});

test("what other pages ask for is refused before any work", async () => {
  for (const site of ["cross-site", "same-site"])
    for (const path of ["/api/runs", "/api/view"])
      expect((await ask(local, path, { headers: { "sec-fetch-site": site } })).status).toBe(403);
  for (const site of ["same-origin", "none"])
    expect((await ask(local, "/api/runs", { headers: { "sec-fetch-site": site } })).status).toBe(200);
  // A link to the board may be on any page.
  expect((await ask(local, "/", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
});

test.each(["localhost:9000", "127.0.0.1:9000"])("a tunnel's page can read and command: %s", async (host) => {
  expect((await ask(local, "/api/runs", { headers: { host } })).status).toBe(200);
  const { status } = await command(
    local,
    { run: "ffff", command: "stop" },
    { host, origin: `http://${host}` },
  );
  expect(status).toBe(404);
});

test("a port that is taken is named", async () => {
  const { port } = local;
  const again = startBoard({ folder: scratch.path, host: "127.0.0.1", port: Number(port) });
  await expect(again).rejects.toThrow(refusal("usage", { where: port, found: "EADDRINUSE", fix: "--port" }));
});
