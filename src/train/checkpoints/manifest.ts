import { createHash } from "node:crypto";
import { z } from "zod";
import { elementAt } from "../../util/elements.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import type { Json } from "../../util/json.ts";
import { readFileText } from "../../util/read-file.ts";

/** Version of the checkpoint folder's layout. Version 1 has no hash over the manifest itself; later versions are refused. */
const checkpointVersion = 2;

const json: z.ZodType<Json> = z.json();
const sha256 = () => z.string().regex(/^[0-9a-f]{64}$/);

const contentSchema = z.strictObject({
  step: z.int().min(0),
  /** Held-out loss at this step; null when it was not measured. */
  evalLoss: z.number().nullable(),
  base: z.string(),
  adapter: json,
  files: z.record(
    z.string().regex(/^[a-z]+\.[a-z]+$/),
    z.strictObject({ bytes: z.int().min(0), sha256: sha256() }),
  ),
});
/** Content of a manifest: what the checkpoint belongs to, and size and hash of each of its files. */
export type ManifestContent = z.output<typeof contentSchema>;

const format = z.literal("scalora-checkpoint");
const manifestSchema = z.discriminatedUnion("version", [
  contentSchema.extend({ format, version: z.literal(1) }),
  /** The hash is over the text before it. */
  contentSchema.extend({ format, version: z.literal(checkpointVersion), sha256: sha256() }),
]);
export type Manifest = z.output<typeof manifestSchema>;

/** The last lines of a manifest; group 1 is what the hash is over. */
const withHash = /^([\s\S]*),\n "sha256": "([0-9a-f]{64})"\n\}\n$/;
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

/** The text of `manifest.json`, which ends with the hash of what is before it. */
export function formatManifest(content: ManifestContent): string {
  const whole = JSON.stringify({ format: format.value, version: checkpointVersion, ...content }, null, 1);
  const text = whole.replace(/\n\}$/, "");
  return `${text},\n "sha256": "${hashOf(text)}"\n}\n`;
}

/** Size of a manifest; one has a few kB. */
const maxManifestBytes = 1 << 26;

/** Reads `manifest.json`. @throws ScaloraError `format` for one that is damaged, or of a later version */
export function readManifestFile(file: string): Manifest {
  let text: string;
  let written: unknown;
  try {
    text = readFileText(file, maxManifestBytes);
    written = JSON.parse(text);
  } catch (cause) {
    const found = messageOf(cause);
    throw new ScaloraError("format", "This checkpoint's manifest cannot be read", {
      where: file,
      found,
      cause,
    });
  }
  const { data, error } = manifestSchema.safeParse(written);
  if (error) {
    const { path, message } = elementAt(error.issues, 0);
    throw new ScaloraError("format", "This checkpoint's manifest is invalid or of another version", {
      where: `${file}: ${path.join(".")}`,
      found: message,
    });
  }
  if (data.version > 1) checkHash(text, file);
  return data;
}

function checkHash(text: string, where: string): void {
  const [, hashed, expected] = withHash.exec(text) ?? [];
  if (hashed !== undefined && hashOf(hashed) === expected) return;
  throw new ScaloraError("format", "This checkpoint's manifest has changed since the checkpoint was saved", {
    where,
    expected: expected === undefined ? "its own hash at the end" : `sha256 ${expected}`,
    found: hashed === undefined ? "other text there" : `sha256 ${hashOf(hashed)}`,
  });
}
