/** Mean ± standard deviation (n − 1). */
export function spread(values: readonly number[], digits: number): string {
  const center = mean(values);
  const variance = mean(values.map((value) => (value - center) ** 2)) * (values.length / (values.length - 1));
  return `${center.toFixed(digits)} ± ${Math.sqrt(variance).toFixed(digits)}`;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
