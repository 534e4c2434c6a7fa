/** Whether a failed write means that the output is closed: the pipe's reader or the terminal is gone. */
export function isClosedOutput(error: Error): boolean {
  return "code" in error && ["EPIPE", "EIO", "ENXIO", "ENOTCONN", "ECONNRESET"].includes(String(error.code));
}
