import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";

/** Who may use a board. */
export interface Access {
  /** The secret that a browser must know; null when only this machine can connect. */
  readonly token: string | null;
  /** The host that the board listens on. */
  readonly host: string;
  /** Name of the cookie that holds the token: cookies of one host are shared between its ports. */
  readonly cookie: string;
}

/** A request that is refused, with the reason in words. */
export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly message: string;
}

/** Whether a host can be reached from this machine only. */
export const isLoopback = (host: string) =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

/** Why a request is refused; undefined when it may pass. */
export function refusalOf(request: IncomingMessage, access: Access): Refusal | undefined {
  const host = hostOf(request.headers.host);
  if (host === undefined || !isOurName(host, access)) {
    return {
      status: 421,
      message: "This address does not belong to the board (protection against DNS rebinding).",
    };
  }
  if (request.url?.startsWith("/api/") && isForeign(request))
    return { status: 403, message: "Only the board's own page may ask." };
  if (request.method === "POST" && !isSameOrigin(request))
    return { status: 403, message: "Commands are accepted from the board's own page only." };
  if (access.token !== null && !equals(cookieOf(request, access.cookie), access.token))
    return { status: 401, message: "Open the link that `scalora board` has printed: it has the token." };
  return undefined;
}

/** Whether the address of a request has the token. */
export function hasToken(url: URL, { token }: Access): boolean {
  return token !== null && equals(url.searchParams.get("token") ?? undefined, token);
}

/** The `Host` header's host without port and brackets; undefined for what is none. */
function hostOf(header: string | undefined): string | undefined {
  const url = URL.parse(`http://${header}`);
  if (header === undefined || url === null || url.pathname !== "/" || url.username !== "") return undefined;
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * DNS rebinding makes a foreign page's own name lead here, so only names that cannot be foreign are answered: addresses,
 * `localhost`, and beyond this machine its name and the one given by `--host`. Ports may differ (a tunnel).
 */
function isOurName(host: string, access: Access): boolean {
  if (isLoopback(host)) return true;
  if (isLoopback(access.host)) return false;
  const name = host.toLowerCase();
  return isIP(host) !== 0 || [access.host, hostname()].some((own) => own.toLowerCase() === name);
}

/** Whether the request comes from a page of another origin: it could not read the response, but it could cause load. */
const isForeign = ({ headers: { "sec-fetch-site": site } }: IncomingMessage) =>
  site === "cross-site" || site === "same-site";

/** Browsers send `Origin` with every POST; a page of another origin cannot change it. */
function isSameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin !== undefined && URL.parse(origin)?.host === URL.parse(`http://${host}`)?.host;
}

function cookieOf({ headers: { cookie } }: IncomingMessage, name: string): string | undefined {
  const found = cookie?.split(/;\s*/).find((part) => part.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

/** Constant-time comparison. */
function equals(found: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return found !== undefined && timingSafeEqual(digest(found), digest(token));
}
