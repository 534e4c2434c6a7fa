import { basename, dirname } from "node:path";

/** A commit of the hub, or another hash: meaningless to a reader. */
const hash = /^[0-9a-f]{12,}$/;

/** The name of a model for readers, instead of its path: `owner/name` in the hub's cache, else the last folder that is a name. */
export function modelName(path: string): string {
  const cached = /models--([^/\\]+)--([^/\\]+)[/\\]snapshots[/\\]/.exec(`${path}/`);
  if (cached !== null) {
    const file = /\.gguf$/i.test(path) ? `/${basename(path)}` : "";
    return `${cached[1]}/${cached[2]}${file}`;
  }
  const name = basename(path);
  return hash.test(name) ? modelName(dirname(path)) : name;
}
