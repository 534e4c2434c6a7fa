/** Levels of lists and objects that data may have; what goes through them takes a stack of calls that deep. */
export const maxNesting = 100;

/** Whether lists and objects lie in each other more than `levels` deep, or without end. */
export function isNestedDeeper(value: unknown, levels = maxNesting): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return items.some((item) => isNestedDeeper(item, levels - 1));
}
