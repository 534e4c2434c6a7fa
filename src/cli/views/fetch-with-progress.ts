import { type DownloadHooks, fetchModel } from "../../download/index.ts";
import type { Context } from "../terminal/context.ts";
import { DownloadView } from "./download-view.ts";

export type Get = (name: string, hooks: DownloadHooks) => Promise<string>;

/** Downloads a model with a progress bar; Ctrl-C keeps the partial download. */
export async function fetchWithProgress(
  name: string,
  context: Context,
  get: Get = fetchModel,
): Promise<string> {
  const view = new DownloadView(context);
  return context
    .interruptible((signal) => get(name, { ...view.hooks(context.env), signal }))
    .finally(() => view.end());
}
