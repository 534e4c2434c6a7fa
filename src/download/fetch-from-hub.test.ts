import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RefusalParts, refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt } from "../util/elements.ts";
import type { ErrorCode } from "../util/errors.ts";
import { fetchModel } from "./fetch-model.ts";
import { hubAccess } from "./hub-access.ts";
import { cachedHubModels, cachedModelPath, type DownloadProgress, modelPath } from "./index.ts";
import { commit, repo, startHub } from "./testing/hub-server.ts";

const weights = Buffer.alloc(50_000, "weights");
const files = {
  "config.json": Buffer.from("{}"),
  "tokenizer.json": Buffer.from('{"a": 1}'),
  "model.safetensors": weights,
  "onnx/model.onnx": Buffer.from("other"),
  "small-Q8_0.gguf": Buffer.from("GGUF"),
};

let hub: Awaited<ReturnType<typeof startHub>>;
let scratch: ReturnType<typeof temporaryFolder>;
let env: NodeJS.ProcessEnv;
let progress: DownloadProgress[];

beforeEach(async () => {
  hub = await startHub({ ...files });
  scratch = temporaryFolder();
  env = { HF_ENDPOINT: hub.url, HF_HOME: join(scratch.path, "hf"), XDG_CACHE_HOME: scratch.path };
  progress = [];
});

afterEach(async () => {
  await hub.stop();
  scratch.remove();
});

const get = (name = repo) =>
  fetchModel(name, { env, onProgress: (event) => progress.push(event), onNote: () => {} });
const read = (path: string, name: string) => readFileSync(join(path, name));
const cache = () => join(scratch.path, "hf", "hub", "models--maker--small-model");

test("a model comes into the hub's own cache, in its layout, and only what a model needs", async () => {
  const path = await get();
  expect(path).toBe(join(cache(), "snapshots", commit));
  expect(readFileSync(join(cache(), "refs", "main"), "utf8")).toBe(commit);
  expect(read(path, "model.safetensors").equals(weights)).toBe(true);
  expect(read(path, "tokenizer.json").toString()).toBe('{"a": 1}');
  expect(["onnx/model.onnx", "small-Q8_0.gguf"].filter((name) => existsSync(join(path, name)))).toEqual([]);
  const total = weights.length + 10;
  expect(progress.at(-1)).toMatchObject({ done: total, total });
  expect(cachedModelPath(repo, env)).toBe(path);
  expect(cachedHubModels(env)).toEqual([{ id: repo, path }]);
});

test("of the weights only the model's own are fetched, not those of other programs, precisions or an adapter", async () => {
  const other = Buffer.from("other weights");
  const others = [
    "consolidated.safetensors",
    "model.fp16.safetensors",
    "adapter_model.safetensors",
    "adapter_config.json",
  ];
  Object.assign(hub.state.files, Object.fromEntries(others.map((name) => [name, other])));
  const path = await get();
  expect(readdirSync(path).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
});

test.each<[string, string[], RefusalParts]>([
  ["an adapter", ["adapter_config.json", "adapter_model.safetensors"], { fix: "this is an adapter" }],
  ["weights alone", ["model.safetensors"], { message: "no config.json", found: "model.safetensors" }],
  [
    "another program's weights",
    ["config.json", "consolidated.safetensors"],
    { found: "config.json, consolidated.safetensors", fix: "model.safetensors" },
  ],
])("%s is no model", async (_what, names, parts) => {
  hub.state.files = Object.fromEntries(names.map((name) => [name, Buffer.from("{}")]));
  await expect(get()).rejects.toThrow(refusal("usage", parts));
  expect(cachedModelPath(repo, env)).toBeUndefined();
});

test("shards count when all that the index names are there", async () => {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  const weight_map = { a: shards[0], b: shards[1], c: shards[1] };
  hub.state.files = {
    "config.json": files["config.json"],
    "model.safetensors.index.json": Buffer.from(JSON.stringify({ weight_map })),
    [shards[0]]: weights,
  };
  await expect(get()).rejects.toThrow(
    refusal("usage", { expected: "model.safetensors.index.json", found: shards[0] }),
  );
  expect(cachedModelPath(repo, env)).toBeUndefined();
  hub.state.files[elementAt(shards, 1)] = Buffer.from("more");
  const path = await get();
  expect(cachedModelPath(repo, env)).toBe(path);
  rmSync(join(path, "model.safetensors.index.json"));
  expect(cachedModelPath(repo, env)).toBeUndefined();
});

test("a snapshot with a tokenizer and no weights, as other tools leave it, is not a fetched model", async () => {
  const path = await get();
  rmSync(join(path, "model.safetensors"));
  expect(cachedModelPath(repo, env)).toBeUndefined();
  expect(cachedHubModels(env)).toEqual([]);
});

test("a GGUF file of a newer commit does not hide the whole model fetched before, and both are listed", async () => {
  const path = await get();
  hub.state.commit = "f".repeat(40);
  const file = await get(`${repo}/small-Q8_0.gguf`);
  expect(file).toBe(join(cache(), "snapshots", hub.state.commit, "small-Q8_0.gguf"));
  expect(cachedModelPath(repo, env)).toBe(path);
  expect(cachedHubModels(env)).toEqual([
    { id: repo, path },
    { id: `${repo}/small-Q8_0.gguf`, path: file },
  ]);
  const newer = await get();
  expect(newer).not.toBe(path);
  expect(cachedModelPath(repo, env)).toBe(newer);
});

test("what is there is not fetched again", async () => {
  await get();
  hub.state.requests = [];
  await get();
  expect(hub.state.requests.filter((request) => request.includes("/resolve/"))).toEqual([]);
});

test("a download that breaks off goes on where it stopped", async () => {
  hub.state.breakAfter = 20_000;
  await expect(get()).rejects.toThrow(refusal("run", { where: hub.url, fix: "partial downloads are kept" }));
  hub.state.requests = [];
  const path = await get();
  expect(read(path, "model.safetensors").equals(weights)).toBe(true);
  const resumed = hub.state.requests.filter((request) => /safetensors bytes=[1-9]/.test(request));
  expect(resumed).toEqual([`GET /${repo}/resolve/${commit}/model.safetensors bytes=20000-49999`]);
});

test.each([
  ["of another size", Buffer.alloc(60_000, "x"), "60000 bytes"],
  ["with another hash", Buffer.alloc(50_000, "x"), "SHA-256"],
])("a file %s is refused, and fetched anew next time", async (_how, wrong, found) => {
  hub.state.files = { "config.json": files["config.json"], "model.safetensors": weights };
  hub.state.corruptedFiles = { "model.safetensors": wrong };
  await expect(get()).rejects.toThrow(
    refusal("run", { message: "model.safetensors", expected: /^50000 bytes, SHA-256 [0-9a-f]{64}$/, found }),
  );
  hub.state.corruptedFiles = {};
  expect(read(await get(), "model.safetensors").equals(weights)).toBe(true);
});

test("a small file is checked by git's hash", async () => {
  hub.state.corruptedFiles = { "config.json": Buffer.from("[]") };
  // `printf '{}' | git hash-object --stdin`
  const expected = "git hash 9e26dfeeb6e641a33dae4961196235bdb965b21b";
  await expect(get()).rejects.toThrow(
    refusal("run", { message: "config.json", expected, found: "another git hash" }),
  );
  hub.state.corruptedFiles = {};
  expect(read(await get(), "config.json").toString()).toBe("{}");
});

test("downloads of one model at a time do not write into each other's files", async () => {
  const paths = await Promise.all([get(), get(), get()]);
  expect(new Set(paths).size).toBe(1);
  expect(read(paths[0], "model.safetensors").equals(weights)).toBe(true);
  const requests = hub.state.requests.filter((request) => request.endsWith("model.safetensors"));
  expect(requests).toEqual([`GET /${repo}/resolve/${commit}/model.safetensors`]);
  expect(readdirSync(join(cache(), "blobs")).filter((name) => /lock|incomplete/.test(name))).toEqual([]);
});

test.each<[status: number, ErrorCode, RefusalParts]>([
  [401, "usage", { found: "HTTP 401: Access is refused", fix: "HF_TOKEN" }],
  [403, "usage", { found: "HTTP 403", fix: /accept its terms at http.*maker\/small-model/ }],
  [404, "usage", { found: "HTTP 404", fix: /check the name: http.*maker\/small-model$/ }],
  [429, "usage", { found: "HTTP 429", fix: "wait" }],
  [503, "run", { found: "HTTP 503", fix: "run the command again later" }],
])("HTTP %i says what to do", async (status, code, parts) => {
  hub.state.refuse = status;
  await expect(get()).rejects.toThrow(refusal(code, parts));
});

test("the page that a message names is the repository's, for a file of it too", async () => {
  hub.state.refuse = 403;
  await expect(get(`${repo}/small-Q8_0.gguf`)).rejects.toThrow(
    refusal("usage", { fix: `accept its terms at ${hub.url}/${repo} with` }),
  );
});

test.each([
  ["HF_ENDPOINT", "hub.invalid:80"],
  ["HF_ENDPOINT", "hub.invalid"],
  ["https_proxy", "proxy.invalid:8080"],
  ["HTTP_PROXY", "me:secret@proxy.invalid"],
])("%s=%s is bad input", async (variable, value) => {
  env[variable] = value;
  const error = await get().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "usage", message: expect.stringContaining(`${variable} is not`) });
  expect(error).toMatchObject({ found: value.replace("me:secret", "…") });
});

test("a cache that cannot be written is not told as trouble with the network", async () => {
  env["HF_HOME"] = join(scratch.path, "a-file");
  writeFileSync(env["HF_HOME"], "");
  const error = await get().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "run",
    where: join(env["HF_HOME"], "hub"),
    fix: expect.stringContaining("HF_HOME"),
  });
});

test("a token comes from HF_TOKEN, else from the file that the hub's tools write", async () => {
  hub.state.token = "secret";
  await expect(get()).rejects.toThrow(refusal("usage", { found: "HTTP 401: Invalid credentials" }));
  env["HF_TOKEN"] = "secret";
  expect(existsSync(await get())).toBe(true);
  delete env["HF_TOKEN"];
  writeFileSync(join(scratch.path, "hf", "token"), "secret\n");
  expect(existsSync(await get())).toBe(true);
});

test("the token goes to the hub, and not to the server of files that it names", async () => {
  const fileServer = await startHub({ ...files });
  hub.state.redirectTo = fileServer.url;
  env["HF_TOKEN"] = "secret";
  expect(read(await get(), "model.safetensors").equals(weights)).toBe(true);
  expect([...hub.state.tokens]).toEqual(["Bearer secret"]);
  expect(fileServer.state.requests.length).toBeGreaterThan(0);
  expect([...fileServer.state.tokens]).toEqual([]);
  await fileServer.stop();
});

test("a hub that names a folder outside the cache writes nothing there", async () => {
  hub.state.commit = "../../../../outside";
  await expect(get()).rejects.toThrow(refusal("run", { message: "../../../../outside" }));
  expect(readdirSync(scratch.path).filter((name) => name !== "hf")).toEqual([]);
  hub.state.commit = commit;
  hub.state.files["../../../outside.json"] = Buffer.from("{}");
  hub.state.files["nested/../../../../outside/tokenizer.json"] = Buffer.from("{}");
  await get().catch(() => {});
  expect(readdirSync(scratch.path).filter((name) => name !== "hf")).toEqual([]);
});

test("without a network the message says where it looked and how to bring the model by hand", async () => {
  await hub.stop();
  await expect(get()).rejects.toThrow(
    refusal("run", { where: hub.url, found: "ECONNREFUSED", fix: join(scratch.path, "hf", "hub") }),
  );
  for (const yes of ["1", "true", "YES"]) {
    env["HF_HUB_OFFLINE"] = yes;
    await expect(get()).rejects.toThrow(refusal("run", { where: cache(), fix: "unset HF_HUB_OFFLINE" }));
  }
  env["HF_HUB_OFFLINE"] = "0";
  await expect(get()).rejects.toThrow(refusal("run", { where: hub.url, found: "ECONNREFUSED" }));
});

test("a proxy of the environment is used, but not for what NO_PROXY names", async () => {
  env["HTTP_PROXY"] = hub.url;
  env["HF_ENDPOINT"] = "http://hub.invalid";
  expect(read(await get(), "model.safetensors").equals(weights)).toBe(true);
  env["NO_PROXY"] = "hub.invalid";
  await expect(get()).rejects.toThrow(
    refusal("run", { where: "http://hub.invalid", found: /ENOTFOUND|EAI_AGAIN/ }),
  );
});

test("a server that does not answer is given up", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((ready) => silent.listen(0, "127.0.0.1", ready));
  const { port } = silent.address() as AddressInfo;
  const access = hubAccess({ HF_ENDPOINT: `http://127.0.0.1:${port}` }, { patience: 100 });
  await expect(access.fetch(`${access.hubUrl}/api`)).rejects.toThrow("no answer for 0.1 s");
  silent.closeAllConnections();
  silent.close();
});

test("a GGUF file is named after its repository; one without safetensors says which there are", async () => {
  expect(await get(`${repo}/small-Q8_0.gguf`)).toBe(join(cache(), "snapshots", commit, "small-Q8_0.gguf"));
  hub.state.files = { "a.gguf": Buffer.from("GGUF"), "config.json": Buffer.from("{}") };
  await expect(get()).rejects.toThrow(
    refusal("usage", { found: "a.gguf (4 B)", fix: "npx scalora get maker/small-model/a.gguf" }),
  );
});

test("a path that exists wins over a name", async () => {
  const snapshot = await get();
  const cached = process.env["HF_HUB_CACHE"];
  process.env["HF_HUB_CACHE"] = join(scratch.path, "hf", "hub");
  try {
    expect(modelPath(repo, scratch.path)).toBe(snapshot);
    mkdirSync(join(scratch.path, repo), { recursive: true });
    expect(modelPath(repo, scratch.path)).toBe(repo);
  } finally {
    if (cached === undefined) delete process.env["HF_HUB_CACHE"];
    else process.env["HF_HUB_CACHE"] = cached;
  }
});
