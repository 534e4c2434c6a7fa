/** Levels of lists and objects that data may have; what goes through them takes a stack of calls that deep. */
export const maxNesting = 100;

/** Whether lists and objects lie in each other more than `levels` deep, or without end. */
export function isNestedDeeper(value: unknown, levels = maxNesting): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isNestedDeeper(item, levels - 1));
}
