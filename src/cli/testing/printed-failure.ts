/**
 * The exit code and the error that a command printed: its message (for a recipe with the number and key of the problem)
 * and the values of its lines `where`, `expected`, `found` and `fix`; of several problems those of the last.
 */
export function printedFailure({ code, stderr }: { readonly code: number | null; readonly stderr: string }) {
  const error = stderr.split(/^error: /m).at(1) ?? "";
  const lines = error.matchAll(/^ +(where|expected|found|fix): +(.*)$/gm);
  return {
    code,
    message: error.split(/\n +(?:where|expected|found|fix): /)[0]?.trim(),
    ...Object.fromEntries(Array.from(lines, ([, name, value]) => [name, value])),
  };
}
