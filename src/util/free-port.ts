import { createServer } from "node:net";

/** Below the ports that systems give to connections and listeners by themselves: Linux from 32768 on. */
const [least, most] = [20_000, 31_999];

/** How many ports are tried. */
const attempts = 100;

/**
 * A port of this machine that nobody listened on a moment ago, at any of its addresses, and that the system gives to nobody who
 * asks for any port.
 * @throws Error of Node's when no port can be opened
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = least + Math.floor(Math.random() * (most - least + 1));
    try {
      await listenOnce(port);
      return port;
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}

function listenOnce(port: number): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => server.close(() => resolve()));
  });
}
