// What a platform's package is made of, and what several have in common.
import type { Wheel } from "../../src/setup/pip.ts";
import type { Toolchain } from "./toolchain.ts";

/** A part of a package that others wrote. */
export interface Component {
  name: string;
  version: string;
  /** SPDX, or in words. */
  licence: string;
  /** Where it is in the package. */
  where: string;
  /** Texts: files of the wheels, or of `licences` beside this file. */
  texts: readonly string[];
}

/** A kind of machine, and how its package is made. */
export interface Platform {
  /** As Node names system and processor: linux-x64. */
  name: string;
  /** By which npm installs the package, or does not. */
  fields: { os: [string]; cpu: [string]; libc?: [string] };
  /** Libraries, headers and licences; torch's first. */
  wheels: readonly Wheel[];
  /** What is taken of the wheels. */
  isWanted(path: string): boolean;
  /** Folders of libraries, in the unpacked wheels unless they are absolute. */
  libraries: readonly string[];
  components: readonly Component[];
  toolchain: Toolchain;
}

const torch = "torch-2.11.0.dist-info/licenses";

/** @param record SHA-256 of its list of files, where only some of them are downloaded */
export function pinned(name: string, file: string, hash: string, size: number, record?: string): Wheel {
  const requirement = `${name} --hash=sha256:${hash}`;
  return { requirement, name, file, hash, size, ...(record !== undefined && { record }) };
}

/** What every platform takes of its wheels: libtorch's headers, and licences. */
export const isHeaderOrLicence = (path: string): boolean =>
  /^torch\/(include\/|version\.py$)|\.dist-info\/(licenses\/|LICENSE)/.test(path);

/** libtorch itself, in its two libraries. */
export const libtorchParts = (library: string, file: string): Component[] => [
  {
    name: "libtorch",
    version: "2.11.0",
    licence: "BSD-3-Clause",
    where: `${library}, ${file}`,
    texts: [`${torch}/LICENSE`, `${torch}/NOTICE`],
  },
  {
    name: "oneDNN and the other libraries in libtorch",
    version: "as in libtorch 2.11.0",
    licence: "Apache-2.0 (oneDNN), and those that libtorch's licence file lists",
    where: library,
    texts: [`${torch}/LICENSE`],
  },
];
