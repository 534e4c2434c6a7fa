import { basename, dirname, join } from "node:path";
import type { OpenModel } from "../assemble/open-model.ts";
import { isGgufFile } from "../gguf/index.ts";
import { chatFiles, writeTogether } from "./chat-files.ts";
import { chatSetup } from "./chat-setup.ts";
import type { ChatFilesResult, ExportRequest } from "./export-request.ts";

/** Writes a GGUF file by `write`, and with it the files to use it, if the model chats. */
export async function withChatFiles<T extends object>(
  { out, kind, systemPrompt }: Pick<ExportRequest, "out" | "kind" | "systemPrompt">,
  open: OpenModel,
  write: () => Promise<T>,
): Promise<T & { chat?: ChatFilesResult }> {
  const setup = await chatSetup(open, systemPrompt);
  if (setup === undefined) return await write();
  const base = kind === "merged" ? undefined : ggufOf(open.baseFolder, out);
  const files = chatFiles(out, base, setup);
  const facts = await writeTogether(files, out, write);
  return {
    ...facts,
    chat: { files: files.map(({ path }) => path), systemPrompt: setup.systemPrompt, base },
  };
}

/** The GGUF file of an adapter's model: the one that was trained on, or that which can be made of its folder beside the adapter. */
function ggufOf(baseFolder: string, out: string): string {
  if (isGgufFile(baseFolder)) return baseFolder;
  const name = `${basename(baseFolder)}.gguf`;
  return join(dirname(out), name === basename(out) ? `base-${name}` : name);
}
