import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import { ScaloraError } from "../util/errors.ts";
import { hubHome } from "./model-cache.ts";

/** Milliseconds without a response, or without further bytes, after which a request is aborted. */
const defaultTimeoutMs = 60_000;

/** Parameters of every call of the hub's package. */
export interface HubAccess {
  readonly hubUrl: string;
  readonly fetch: typeof fetch;
}

/**
 * Access to the hub by its own tools' settings: `HF_ENDPOINT` is a mirror; the token is `HF_TOKEN`, else that of `hf auth
 * login`; proxies are `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. The token is sent to the hub only, never to redirects.
 * @throws ScaloraError `usage` for an invalid URL
 */
export function hubAccess(
  env: NodeJS.ProcessEnv,
  { signal: stop, patience = defaultTimeoutMs }: { signal?: AbortSignal; patience?: number } = {},
): HubAccess {
  const hubUrl = (env["HF_ENDPOINT"] || "https://huggingface.co").replace(/\/+$/, "");
  checkAddress("HF_ENDPOINT", hubUrl, ["http:", "https:"]);
  const httpProxy = proxyAddress("http_proxy", env);
  const httpsProxy = proxyAddress("https_proxy", env);
  const noProxy = env["no_proxy"] ?? env["NO_PROXY"];
  const token = hubToken(env);
  const dispatcher = new EnvHttpProxyAgent({
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
    ...(noProxy !== undefined && { noProxy }),
    // Plain HTTP requests need no tunnel through a proxy; only TLS does.
    proxyTunnel: false,
    headersTimeout: patience,
    bodyTimeout: patience,
  });
  const { origin } = new URL(hubUrl);
  return {
    hubUrl,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const headers = new Headers(init?.headers);
      if (token !== undefined && url.origin === origin) headers.set("authorization", `Bearer ${token}`);
      const silence = new AbortController();
      const timer = setTimeout(
        () => silence.abort(new Error(`no answer for ${patience / 1000} s`)),
        patience,
      );
      const signal = AbortSignal.any([silence.signal, stop ?? [], init?.signal ?? []].flat());
      try {
        const method = init?.method ?? "GET";
        return await undiciFetch(url, { method, signal, headers: [...headers], dispatcher });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** The URL of a proxy, from its variable in lower or upper case. */
function proxyAddress(lower: string, env: NodeJS.ProcessEnv): string | undefined {
  const variable = env[lower] === undefined ? lower.toUpperCase() : lower;
  const value = env[variable];
  if (value) checkAddress(variable, value, ["http:", "https:", "socks:", "socks5:"]);
  return value;
}

function checkAddress(variable: string, value: string, protocols: readonly string[]): void {
  if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return;
  throw new ScaloraError("usage", `${variable} is not a valid URL`, {
    where: `the environment variable ${variable}`,
    expected: "http://HOST, https://HOST or either with a port",
    // A proxy's URL may contain a password.
    found: value.replace(/[^/]*@/, "…@"),
    fix: `correct ${variable}, or unset it`,
  });
}

/** The user's token, or undefined. */
function hubToken(env: NodeJS.ProcessEnv): string | undefined {
  const tokenFromEnv = env["HF_TOKEN"] || env["HUGGING_FACE_HUB_TOKEN"];
  if (tokenFromEnv) return tokenFromEnv;
  try {
    return readFileSync(env["HF_TOKEN_PATH"] || join(hubHome(env), "token"), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
