const none = "–";

/** A loss with four digits after the point. */
export const lossText = (loss: number | null) => loss?.toFixed(4) ?? none;

/** A learning rate in as few characters as it takes. */
export const rateText = (rate: number | null) =>
  rate === null ? none : rate !== 0 && Math.abs(rate) < 0.001 ? rate.toExponential(2) : rate.toPrecision(3);

export const countText = (count: number | null) =>
  count === null ? none : Math.round(count).toLocaleString("en-US");

/** Bytes in GiB, or MiB below one. */
export function memoryText(bytes: number | null): string {
  if (bytes === null) return none;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** Seconds as the two largest units. */
export function durationText(seconds: number | null): string {
  if (seconds === null) return none;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** How long ago a time was. */
export function agoText(time: string | null, now: number): string {
  if (time === null) return none;
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < 5) return "now";
  if (seconds < 3 * 86_400) return `${durationText(seconds).split(" ").slice(0, 2).join(" ")} ago`;
  return time.slice(0, 10);
}
