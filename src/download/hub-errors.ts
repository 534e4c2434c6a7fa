import { HubApiError } from "@huggingface/hub";
import { isUnwritable } from "../setup/errors.ts";
import { cannotWrite } from "../util/cannot-write.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";

/** The error of a failed request to the hub or a failed write to its cache, with advice. */
export function hubError(
  error: unknown,
  name: string,
  { repo, endpoint, cache }: { repo: string; endpoint: string; cache: string },
): ScaloraError {
  const cause = error;
  if (isUnwritable(error)) {
    return cannotWrite("The hub's cache cannot be written", cache, {
      cause,
      otherwise: "set HF_HOME to another folder",
    });
  }
  if (!(error instanceof HubApiError)) {
    return new ScaloraError("run", `${name} could not be fetched from the hub`, {
      where: endpoint,
      found: innermostMessage(error),
      fix:
        "run the command again where there is a network (partial downloads are kept; HF_ENDPOINT names a mirror, HTTPS_PROXY a proxy); " +
        `or bring the model's folder by hand and name its path; looked in ${cache} first`,
      cause,
    });
  }
  const { statusCode } = error;
  const [what, fix] = explainStatus(statusCode, { name, repo, endpoint });
  return new ScaloraError(statusCode < 500 ? "usage" : "run", what, {
    where: error.url,
    found: `HTTP ${statusCode}: ${error.message.split("\n")[0]}`,
    fix,
    cause,
  });
}

function explainStatus(
  status: number,
  { name, repo, endpoint }: { name: string; repo: string; endpoint: string },
): [what: string, fix: string] {
  const page = `${endpoint}/${repo}`;
  if (status === 401)
    return [
      `The hub denies access to ${name} without a token`,
      `check the name; for a gated or private model set HF_TOKEN to a token of yours (${endpoint}/settings/tokens)`,
    ];
  if (status === 403)
    return [
      `${name} is gated, and this token has no access`,
      `accept its terms at ${page} with the account of HF_TOKEN`,
    ];
  if (status === 404) return [`The hub has no model ${repo}`, `check the name: ${page}`];
  if (status === 429) return ["The hub asks to wait", "wait a few minutes, or set HF_TOKEN"];
  return [`The hub failed to send ${name}`, "run the command again later: partial downloads are kept"];
}

/** The message of the innermost cause; `fetch` itself only reports "fetch failed". */
function innermostMessage(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : messageOf(error);
}
