/** A network between ranks, taken to be the same between any two of them. */
export interface Network {
  /** Seconds from the sending of a small message until the rank that waits for it goes on. */
  readonly latency: number;
  /** Bytes a second that each rank sends, and receives, while all others do so too. */
  readonly bandwidth: number;
}

/** Seconds of CPU time for a message to and one from another rank, whatever the network (measured, Gloo on loopback). */
export const messageSeconds = 60e-6;

/** Seconds of CPU time to send a byte and receive one over TCP (measured, Gloo on loopback). */
export const byteSeconds = 0.6e-9;

/**
 * Every collective of a process group begins with an all-gather of 200 bytes, in which the ranks compare what they are about to
 * do: one message after another around the ring.
 */
const agreementSeconds = (size: number, { latency }: Network) => (size - 1) * latency;

/**
 * Seconds that a collective waits for the network, beyond the same call in a group of one: the α–β model, latency plus bytes over
 * bandwidth, of the algorithms that Gloo uses.
 * @param size number of ranks
 * @param bytes of the whole tensor `[size, …]`
 */
export function allToAllSeconds(size: number, bytes: number, network: Network): number {
  if (size === 1) return 0;
  // A message to every other rank, all sent at once.
  const messages = network.latency + (size - 1) * messageSeconds;
  return agreementSeconds(size, network) + messages + othersOf(size, bytes) / network.bandwidth;
}

/**
 * The same for slices of several tensors, each of which goes from rank to rank around the ring, one tensor after another.
 * @param bytes of each whole tensor
 */
export function gatherSeconds(size: number, bytes: readonly number[], network: Network): number {
  const hops = bytes.length * (size - 1) * network.latency;
  const all = bytes.reduce((sum, each) => sum + each, 0);
  return agreementSeconds(size, network) + hops + othersOf(size, all) / network.bandwidth;
}

/** The same for an all-reduce: sums go around the ring once, and their results once more. @param bytes of the tensor */
export function allReduceSeconds(size: number, bytes: number, network: Network): number {
  const hops = 2 * (size - 1) * network.latency;
  return agreementSeconds(size, network) + hops + (2 * othersOf(size, bytes)) / network.bandwidth;
}

/** Of bytes that belong to all ranks equally, those of the other ranks: what a rank must send or receive. */
export const othersOf = (size: number, bytes: number) => (bytes * (size - 1)) / size;

/** CPU time of rank 0, which has the store, for each pair of ranks that join; and seconds of a rank for each other one (measured). */
const [pairSeconds, connectionSeconds] = [75e-6, 1e-3];

/** Seconds in which ranks join: each asks rank 0's store for every other rank, one request after another, and connects to it. */
export function joinSeconds(size: number, { latency }: Network): number {
  if (size === 1) return 0;
  return size * size * pairSeconds + (size - 1) * (connectionSeconds + 6 * latency);
}
