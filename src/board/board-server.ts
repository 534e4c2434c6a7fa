import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { homedir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { controlSchema } from "../run/control-command.ts";
import { parseOptional } from "../run/run-files.ts";
import { internalError, messageOf, ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { type Access, hasToken, isLoopback, refusalOf } from "./access.ts";
import { hostsOf } from "./board-hosts.ts";
import { BoardRuns } from "./board-runs.ts";
import type { BoardList } from "./page/board-data.ts";
import { contentSecurityPolicy, type StaticFile, staticFiles } from "./static-files.ts";

export interface BoardOptions {
  /** Folder with runs in it, or of one run; absolute. */
  folder: string;
  /** Address to listen on. */
  host: string;
  /** 0 takes a free one. */
  port: number;
}

/** A board that is being served. */
export interface Board {
  /** Links that open the page, one for each address that others reach; with the token where one is needed. */
  readonly links: readonly string[];
  close(): Promise<void>;
}

/**
 * Serves the board of a folder of runs: reads the runs' files, and writes nothing but `control.json`.
 * @throws ScaloraError `usage` when it cannot listen there
 */
export async function startBoard({ folder, host, port }: BoardOptions): Promise<Board> {
  const server = createServer();
  const listening = await listen(server, host, port);
  const token = isLoopback(host) ? null : randomBytes(24).toString("base64url");
  const access = { token, host, cookie: `scalora_board_${listening.port}` };
  const board = { access, files: staticFiles(), runs: new BoardRuns(folder) };
  server.on("request", (request, response) => {
    answer(request, response, board).catch((error) => {
      if (response.headersSent) response.destroy();
      else sendError(response, 500, messageOf(error));
    });
  });
  return {
    links: hostsOf(host, listening.address).map(
      (name) => `http://${name}:${listening.port}/${token === null ? "" : `?token=${token}`}`,
    ),
    close: () => closeServer(server),
  };
}

interface Parts {
  readonly access: Access;
  readonly files: ReadonlyMap<string, StaticFile>;
  readonly runs: BoardRuns;
}

async function listen(server: Server, host: string, port: number) {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, resolve);
    });
  } catch (cause) {
    throw new ScaloraError("usage", "The board cannot listen there", {
      where: `${host}:${port}`,
      found: messageOf(cause),
      fix: "choose another with --port (0 takes a free one) or --host; a board that already runs can be used by several pages",
      cause,
    });
  }
  const address = server.address();
  if (typeof address === "object" && address !== null) return address;
  throw internalError("the board's server has no address");
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const headers = {
  "Content-Security-Policy": contentSecurityPolicy,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...headers, "Content-Type": type });
  response.end(body);
}

const sendJson = (response: ServerResponse, status: number, value: unknown) =>
  send(response, status, "application/json; charset=utf-8", JSON.stringify(value));
const sendError = (response: ServerResponse, status: number, error: string) =>
  sendJson(response, status, { error });

async function answer(request: IncomingMessage, response: ServerResponse, board: Parts): Promise<void> {
  const url = URL.parse(request.url ?? "", "http://board");
  if (url === null) return sendError(response, 400, "The address cannot be read.");
  const refusal = refusalOf(request, board.access);
  if (refusal?.status === 401 && url.pathname === "/" && hasToken(url, board.access))
    return keepToken(response, board.access);
  if (refusal !== undefined) return sendError(response, refusal.status, refusal.message);
  if (request.method === "POST") return postControl(request, response, url, board.runs);
  if (request.method !== "GET") return sendError(response, 405, "GET and POST only.");
  const file = board.files.get(url.pathname);
  if (file !== undefined) return send(response, 200, file.type, file.body);
  return getData(response, url, board.runs);
}

/**
 * Puts the token into a cookie, and takes it out of the address, which others may see. `SameSite=Strict` would not be sent
 * after this answer when the link is on another site, such as a terminal or mail in the browser.
 */
function keepToken(response: ServerResponse, { token, cookie }: Access): void {
  const setCookie = `${cookie}=${token}; HttpOnly; SameSite=Lax; Path=/`;
  response.writeHead(303, { ...headers, Location: "/", "Set-Cookie": setCookie });
  response.end();
}

/** A path below the user's home as `~/…`. */
function homePath(path: string): string {
  const inside = relative(homedir(), path);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? path : join("~", inside);
}

async function getData(response: ServerResponse, url: URL, runs: BoardRuns): Promise<void> {
  if (url.pathname === "/api/runs") {
    const list: BoardList = { folder: homePath(runs.folder), runs: runs.list() };
    return sendJson(response, 200, list);
  }
  if (url.pathname === "/api/view") {
    const view = await runs.view(url.searchParams.getAll("run"), url.searchParams.get("known"));
    return sendJson(response, 200, view);
  }
  return sendError(response, 404, "There is nothing at this address.");
}

/** A command is a few words. */
const maxBody = 1000;

async function postControl(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  runs: BoardRuns,
): Promise<void> {
  if (url.pathname !== "/api/control") return sendError(response, 404, "There is nothing at this address.");
  if (!request.headers["content-type"]?.startsWith("application/json"))
    return sendError(response, 415, "A command is JSON.");
  const text = await bodyText(request);
  if (text === undefined) return sendError(response, 413, "A command is short.");
  const body = parseOptional(text);
  const command = controlSchema.safeParse(body).data?.command;
  if (!isRecord(body) || typeof body["run"] !== "string" || command === undefined)
    return sendError(response, 400, "Expected a run and a command.");
  const outcome = runs.control(body["run"], command);
  if (outcome === "unknown run") return sendError(response, 404, "There is no such run.");
  if (outcome === "not running") return sendError(response, 409, "No process trains this run now.");
  return sendJson(response, 200, { sent: command });
}

/** The body of a request; undefined when it is too long. */
async function bodyText(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request) {
    const bytes = Buffer.from(piece);
    length += bytes.length;
    if (length > maxBody) return undefined;
    pieces.push(bytes);
  }
  return Buffer.concat(pieces).toString("utf8");
}
