import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a hub of the tests has, and how it behaves; tests change it as they go. */
export interface HubState {
  /** Files of the one model, by path. */
  files: Record<string, Buffer>;
  /** Answers everything with this status. */
  refuse?: number;
  /** The token that it asks for. */
  token?: string;
  /** Ends each body after so many bytes, once. */
  breakAfter?: number;
  /** Sends these bytes in place of a file's, by path. */
  corruptedFiles: Record<string, Buffer>;
  /** Redirects requests for files to this server. */
  redirectTo?: string;
  /** The newest commit. */
  commit: string;
  /** Tokens that came with requests. */
  tokens: Set<string>;
  /** Requests so far: method, path, and range where one was asked for. */
  requests: string[];
}

export const commit = "0123456789abcdef0123456789abcdef01234567";
export const repo = "maker/small-model";

/** A local server that answers as the hub does where `scalora get` asks. */
export async function startHub(files: Record<string, Buffer>) {
  const state: HubState = { files, corruptedFiles: {}, commit, tokens: new Set(), requests: [] };
  const server = createServer((request, response) => answer(state, request, response));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    state,
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

function answer(state: HubState, request: IncomingMessage, response: ServerResponse) {
  const path = decodeURIComponent(new URL(request.url ?? "", "http://hub").pathname);
  const range = request.headers.range;
  state.requests.push(`${request.method} ${path}${range === undefined ? "" : ` ${range}`}`);
  if (request.headers.authorization !== undefined) state.tokens.add(request.headers.authorization);
  const json = (value: unknown, status = 200) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  if (state.refuse !== undefined) return json({ error: "Access is refused" }, state.refuse);
  if (state.token !== undefined && request.headers.authorization !== `Bearer ${state.token}`)
    return json({ error: "Invalid credentials" }, 401);
  if (path === `/api/models/${repo}/revision/main`) return json({ _id: "1", id: repo, sha: state.commit });
  if (path === `/api/models/${repo}/tree/${state.commit}`)
    return json(Object.entries(state.files).map(listEntry));
  const name = path.replace(`/${repo}/resolve/${state.commit}/`, "");
  const file = state.files[name];
  if (file === undefined) return json({ error: "Repository not found" }, 404);
  if (state.redirectTo !== undefined) {
    response.writeHead(302, { location: state.redirectTo + path }).end();
    return;
  }
  send(state, state.corruptedFiles[name] ?? file, range, response);
}

const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");
const gitHash = (content: Buffer) =>
  createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");

function listEntry([path, content]: [string, Buffer]) {
  const oid = gitHash(content);
  const lfs = path.endsWith(".json")
    ? {}
    : { lfs: { oid: sha256(content), size: content.length, pointerSize: 1 } };
  return { type: "file", path, size: content.length, oid, ...lfs };
}

function send(state: HubState, content: Buffer, range: string | undefined, response: ServerResponse) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  const part = first === undefined ? content : content.subarray(Number(first), Number(last) + 1);
  response.writeHead(first === undefined ? 200 : 206, {
    etag: '"1"',
    "content-length": part.length,
    ...(first !== undefined && { "content-range": `bytes ${first}-${last}/${content.length}` }),
  });
  const { breakAfter } = state;
  if (breakAfter === undefined || part.length <= breakAfter) {
    response.end(part);
    return;
  }
  delete state.breakAfter;
  response.write(part.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 50));
}
