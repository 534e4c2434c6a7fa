import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Imatrix, readImatrix } from "../gguf/quantise/imatrix.ts";
import { ScaloraError } from "../util/errors.ts";
import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { requireWritable } from "../util/output-path.ts";
import type { ExportRequest } from "./export-request.ts";
import { isQuantisedDType, requireExportDType } from "./gguf-file-types.ts";

/** The file beside a model's in which its own importance matrix is written. */
export const ownImatrixFile = (out: string) => `${out.replace(/\.gguf$/i, "")}.imatrix.gguf`;

/** A request that has been checked. */
export type CheckedRequest = Omit<ExportRequest, "imatrix"> & {
  /** The importance matrix, read from its file; true for one to be computed. */
  readonly imatrix: { readonly path: string; readonly read: Imatrix } | true | undefined;
};

/**
 * Checks what can be checked before the model is loaded, which takes long: settings, the importance matrix, the place.
 * @throws ScaloraError `usage` for settings and places that are taken, `format` for a file that is no importance matrix, `run` for a
 * place that cannot be written
 */
export function checkRequest(request: ExportRequest): CheckedRequest {
  checkSettings(request);
  const { out, dtype, imatrix: wanted } = request;
  if (existsSync(out)) {
    throw new ScaloraError("usage", "The output already exists", {
      where: out,
      expected: "a folder or file that does not exist",
      fix: "choose another one, or remove it",
    });
  }
  const imatrix = typeof wanted === "string" ? { path: wanted, read: readWanted(wanted) } : wanted;
  const own = ownImatrixFile(out);
  if (wanted === true && existsSync(own))
    throw new ScaloraError("usage", "The file for the importance matrix already exists", {
      where: own,
      fix: `use it as imatrix (--imatrix ${own}), or remove it`,
    });
  requireWritable(out);
  return { ...request, dtype: dtype && requireExportDType(dtype), imatrix };
}

function checkSettings({ kind, dtype, imatrix, rank, energy }: ExportRequest): void {
  if (dtype !== undefined) requireExportDType(dtype);
  if (imatrix !== undefined && (kind !== "merged" || dtype === undefined || !isQuantisedDType(dtype)))
    throw new ScaloraError("usage", "An importance matrix needs a merged model in a quantised file", {
      where: "imatrix",
      expected: "a dtype such as q4_k_m",
      found: kind === "merged" ? (dtype ?? "no dtype") : `a LoRA adapter (${kind})`,
    });
  if (imatrix === true && dtype === "q8_0")
    throw new ScaloraError("usage", "q8_0 does not use an importance matrix", {
      where: "imatrix",
      fix: "leave it out, or choose a dtype of fewer bits, such as q6_k",
    });
  if (kind !== "svd") return;
  if ((rank === undefined) === (energy === undefined))
    throw new ScaloraError("usage", "An svd export needs either a rank or a fraction of the energy", {
      fix: "rank: 16, for example",
    });
  const limits = rank === undefined ? { above: 0, most: 1 } : { whole: true, least: 1 };
  if (isWithinLimits(rank ?? energy, limits)) return;
  throw new ScaloraError(
    "usage",
    `The ${rank === undefined ? "energy" : "rank"} of the svd export is out of range`,
    {
      expected: limitsText(limits),
      found: String(rank ?? energy),
    },
  );
}

function readWanted(path: string): Imatrix {
  const expected = "an importance matrix in GGUF, as llama-imatrix and scalora write";
  const fix =
    "mend the path; imatrix: true (`--imatrix` without a file) computes one on the run's training rows";
  if (!existsSync(path))
    throw new ScaloraError("usage", "There is no such importance matrix", {
      where: resolve(path),
      expected,
      found: "nothing",
      fix,
    });
  try {
    return readImatrix(path);
  } catch (cause) {
    // A fault within an importance matrix is said by its reader; another file, by what would be right.
    if (!(cause instanceof ScaloraError) || cause.where !== path) throw cause;
    throw new ScaloraError(cause.code, "The importance matrix cannot be used", {
      where: path,
      expected,
      found: cause.found,
      fix,
      cause,
    });
  }
}
