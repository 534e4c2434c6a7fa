// The package index that pip is set up to use; where there is no pip, the one that `PIP_INDEX_URL` names.
import { run } from "./run-program.ts";

/** For whom the index is looked up: without a Python there is only what `PIP_INDEX_URL` names. */
export interface IndexUser {
  python?: string | undefined;
  env: NodeJS.ProcessEnv;
}

/** A page of the index with the links to a package's files. */
export interface IndexPage {
  url: string;
  text: string;
}

/** What pip would honour and a plain request does not. */
const elsewhere = ["proxy", "no-index", "client-cert"];
const proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/** @returns undefined where only pip itself reaches the index */
export async function indexPage(name: string, user: IndexUser): Promise<IndexPage | undefined> {
  const index = await indexUrl(user);
  if (index === undefined) return undefined;
  const response = await fetch(new URL(`${name}/`, index), { headers: { accept: "text/html" } });
  return response.ok ? { url: response.url, text: await response.text() } : undefined;
}

/** @returns undefined where there is none, or only pip itself reaches it */
export async function indexUrl({ python, env }: IndexUser): Promise<string | undefined> {
  if (proxies.some((variable) => env[variable])) return undefined;
  if (python === undefined) return env["PIP_INDEX_URL"] ? plainUrl(env["PIP_INDEX_URL"]) : undefined;
  const { stdout } = await run(python, ["-m", "pip", "config", "list"], { env });
  const settings = new Map(
    [...stdout.matchAll(/^([\w:]+)\.([\w-]+)='(.*)'$/gm)].map(([, place, key, value = ""]) => [
      `${place}.${key}`,
      value,
    ]),
  );
  const setting = (key: string) =>
    [":env:", "download", "global"]
      .map((place) => settings.get(`${place}.${key}`))
      .find((value) => value !== undefined);
  if (elsewhere.some((key) => setting(key) !== undefined)) return undefined;
  return plainUrl(setting("index-url") ?? (await defaultIndex(python, env)));
}

/** The URL of an index; undefined for one with a password. */
function plainUrl(chosen: string): string | undefined {
  const url = URL.parse(chosen.endsWith("/") ? chosen : `${chosen}/`);
  return url === null || url.username !== "" ? undefined : url.href;
}

/** pip's own default. */
async function defaultIndex(python: string, env: NodeJS.ProcessEnv): Promise<string> {
  const code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
  const { stdout } = await run(python, ["-c", code], { env });
  return stdout.trim();
}
