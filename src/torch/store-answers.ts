// c10d waits without a limit for the answer of a store that has accepted the connection.
import { lookupService } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ScaloraError } from "../util/errors.ts";

/** Where the store of a job is: a host name or address, and a port. */
export interface StorePlace {
  readonly host: string;
  readonly port: number;
  /** Who has it. */
  readonly owner: "rank 0" | "the launcher";
}

/** For notes and errors. */
export const describeStore = ({ host, port, owner }: StorePlace): string =>
  `${owner}, which has the store, at ${host}:${port}`;

/** Seconds after which something that listens should have answered as a store does. */
const answerLimit = 5;
/** Milliseconds that the name of an address takes, at most, where names are looked up without trouble. */
const usualLookup = 1000;
const forever = 2 ** 31 - 1;

/** Milliseconds between looks whether the store is there. */
const lookInterval = 500;

/**
 * Waits until something listens where the store is to be. c10d waits too, but looks ever more seldom: after a minute it may be
 * another one until it finds a store that is there.
 * @returns whether something does, after so many seconds
 */
export async function isThere({ host, port }: StorePlace, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  while (!(await isListening(host, port))) {
    if (performance.now() >= end) return false;
    await sleep(lookInterval);
  }
  return true;
}

/** Ends the wait for a port where something listens that is no store and says nothing. */
export async function whenOpened<T>(opening: Promise<T>, store: StorePlace): Promise<T> {
  const opened = new AbortController();
  const silent = silentListener(store, opened.signal).then(() => {
    throw doesNotAnswer(store, {
      found: `something listens there, and has said nothing for ${answerLimit} s`,
      fix: "another program may have the port: set MASTER_PORT to another one, on all ranks",
    });
  });
  try {
    return await Promise.race([opening, silent]);
  } finally {
    opened.abort();
  }
}

/** Ends the wait for a request whose own limit has passed. @param seconds that limit */
export async function whenAnswered<T>(request: Promise<T>, store: StorePlace, seconds: number): Promise<T> {
  const answered = new AbortController();
  const limit = { signal: answered.signal, ref: false };
  const silent = sleep((seconds + answerLimit) * 1000, undefined, limit).then(() => {
    throw doesNotAnswer(store, {
      found: `nothing for ${seconds + answerLimit} s`,
      fix: `look at ${store.owner}, which has the store, and at its machine`,
    });
  });
  try {
    return await Promise.race([request, silent]);
  } finally {
    answered.abort();
  }
}

function doesNotAnswer({ host, port }: StorePlace, details: { found: string; fix: string }): ScaloraError {
  return new ScaloraError("run", "The store does not answer", { where: `${host}:${port}`, ...details });
}

/** Resolves some seconds after something was seen to listen. */
async function silentListener({ host, port }: StorePlace, signal: AbortSignal) {
  const limit = { signal };
  // c10d looks the names of addresses up, here and where the store is: if that takes long, silence says nothing.
  const begin = performance.now();
  if (isIP(host) !== 0) await lookupService(host, port).catch(() => {});
  if (performance.now() - begin > usualLookup) await sleep(forever, undefined, limit);
  do await sleep(1000, undefined, limit);
  while (!(await isListening(host, port)));
  await sleep((answerLimit - 1) * 1000, undefined, limit);
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (listens: boolean) => {
      socket.destroy();
      resolve(listens);
    };
    socket.once("connect", () => end(true));
    for (const event of ["error", "timeout"]) socket.once(event, () => end(false));
  });
}
