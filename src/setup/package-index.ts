// The package index that pip is set up to use.
import type { Pip } from "./pip.ts";
import { run } from "./run-program.ts";

/** A page of the index with the links to a package's files. */
export interface IndexPage {
  url: string;
  text: string;
}

/** What pip would honour and a plain request does not. */
const elsewhere = ["proxy", "no-index", "client-cert"];
const proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/** @returns undefined where only pip itself reaches the index */
export async function indexPage(name: string, pip: Pip): Promise<IndexPage | undefined> {
  const index = await indexUrl(pip);
  if (index === undefined) return undefined;
  const response = await fetch(new URL(`${name}/`, index), { headers: { accept: "text/html" } });
  return response.ok ? { url: response.url, text: await response.text() } : undefined;
}

async function indexUrl({ python, env }: Pip): Promise<string | undefined> {
  if (proxies.some((variable) => env[variable])) return undefined;
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
  const chosen = setting("index-url") ?? (await defaultIndex(python, env));
  const url = URL.parse(chosen.endsWith("/") ? chosen : `${chosen}/`);
  return url === null || url.username !== "" ? undefined : url.href;
}

/** pip's own default. */
async function defaultIndex(python: string, env: NodeJS.ProcessEnv): Promise<string> {
  const code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
  const { stdout } = await run(python, ["-c", code], { env });
  return stdout.trim();
}
