// Node runs this file as it is: types that can be erased only.
import {
  isExplained,
  type Place,
  type Report,
  type Verdict,
  type VerdictKind,
  verdictKinds,
} from "./messages.ts";

/** Milliseconds, at most, by which the last signs of life of ranks that are cut off at once may differ. */
const unevenness = 1000;

/** Milliseconds in which a better reason than the first one may come: ranks often fail together. */
export const settling = 200;

interface Member {
  place: Place;
  /** When it last gave a sign of life. */
  seen: number;
  /** The collectives that it has begun. */
  calls: number;
  state: "expected" | "there" | "left" | "ended";
}

interface Charge {
  readonly rank: number;
  readonly kind: VerdictKind;
  readonly text: string;
  readonly exitCode: number | undefined;
  /** When it becomes the verdict, unless a better one has come. */
  due: number;
}

/**
 * Finds out which rank was the first to fail, from what the ranks say and from their silence. Of several reasons the better one
 * counts: a process that ended before an error, an error before a request to stop, this before silence, and these before what other
 * ranks have noticed of it; of equal ones the lowest rank. All times are milliseconds of one clock.
 */
export class Judge {
  verdict: Verdict | undefined;
  private readonly silence: number;
  private readonly members: Member[];
  private readonly charges: Charge[] = [];
  /** When this process was last seen to run, and when it did not: until when and for how long, within the last silence. */
  private ran: number;
  private sleeps: { readonly until: number; readonly length: number }[] = [];

  /** @param silence milliseconds without a sign of life after which a rank counts as lost */
  constructor(size: number, silence: number, now: number) {
    this.silence = silence;
    this.ran = now;
    this.members = Array.from({ length: size }, (_, rank) => ({
      place: { rank, host: "", pid: 0 },
      seen: now,
      calls: 0,
      state: "expected",
    }));
  }

  /** @returns whether it is one of the ranks, and the first process that says so */
  join(place: Place, now: number): boolean {
    const member = this.members[place.rank];
    if (member?.state !== "expected") return false;
    Object.assign(member, { place, seen: now, state: "there" });
    return true;
  }

  beat(rank: number, calls: number, now: number): void {
    const member = this.members[rank];
    if (member) Object.assign(member, { seen: now, calls });
  }

  report(rank: number, { kind, text, exitCode }: Report, now: number): void {
    const other = kind === "lost" ? this.leaver() : kind === "late" ? this.straggler(rank) : undefined;
    if (other !== undefined) this.charge(other, kind === "lost" ? "left" : "late", text, now + settling);
    else if (kind === "lost") this.charge(rank, "lost", text, now + this.silence + settling);
    else this.charge(rank, kind === "late" ? "lost" : kind, text, now + settling, exitCode);
  }

  /** The end of a rank's connection. @param orderly whether it has taken leave */
  ended(rank: number, orderly: boolean, now: number): void {
    const member = this.members[rank];
    if (member?.state !== "there") return;
    member.state = orderly ? "left" : "ended";
    const hasSaidWhy = this.charges.some((charge) => charge.rank === rank && isExplained(charge.kind));
    if (!orderly && !hasSaidWhy) this.charge(rank, "gone", "", now);
    if (orderly && this.charges.some(({ kind }) => kind === "lost"))
      this.charge(rank, "left", "", now + settling);
  }

  /**
   * Another rank has heard nothing of this process, rank 0, for so long that it stops. Either this one was suspended, or the
   * connection between the two was cut: then neither is known to be to blame.
   */
  gaveUp(rank: number, now: number): void {
    const wasAsleep = Math.max(now - this.ran, ...this.recentSleeps(now)) > this.silence / 2;
    this.charge(wasAsleep ? 0 : rank, wasAsleep ? "silent" : "cut", "", now);
  }

  /** Looks for silence, and for a reason that is due. */
  tick(now: number): void {
    if (this.verdict) return;
    const silent = this.unheardFor(this.silence, now);
    if (silent.length > 0 && this.isCutOff(now)) this.charge(0, "cut", "", now);
    else for (const { place } of silent) this.charge(place.rank, "silent", "", now);
    if (this.isJoining(now) || !this.charges.some(({ due }) => due <= now)) return;
    const worth = ({ kind, rank }: Charge) => verdictKinds.indexOf(kind) * this.members.length + rank;
    const [best] = this.charges.toSorted((a, b) => worth(a) - worth(b));
    const place = best && this.members[best.rank]?.place;
    if (place) this.verdict = { ...place, kind: best.kind, text: best.text, exitCode: best.exitCode };
  }

  /** This process runs. */
  runs(now: number): void {
    this.ran = now;
  }

  /** This process runs again after so many milliseconds, in which it has heard nothing because it did not listen. */
  slept(suspended: number, now: number): void {
    this.ran = now;
    this.sleeps = [
      ...this.sleeps.filter((sleep) => this.isRecent(sleep, now)),
      { until: now, length: suspended },
    ];
    for (const member of this.members) member.seen += suspended;
    for (const charge of this.charges) charge.due += suspended;
  }

  private recentSleeps(now: number): number[] {
    return this.sleeps.filter((sleep) => this.isRecent(sleep, now)).map(({ length }) => length);
  }

  private isRecent({ until }: { readonly until: number }, now: number): boolean {
    return now - until < this.silence;
  }

  /** Whether a rank may still join, which could not hear of a verdict from a rank 0 that has ended. */
  private isJoining(now: number): boolean {
    return this.members.some(({ state, seen }) => state === "expected" && now - seen <= this.silence);
  }

  /** The ranks of which nothing was heard for so many milliseconds, though they should be there. */
  private unheardFor(milliseconds: number, now: number): Member[] {
    return this.members.filter(
      ({ seen, state }) => (state === "there" || state === "expected") && now - seen > milliseconds,
    );
  }

  /** Whether all other machines, several, have become silent at once: then it is rather the network of rank 0's. */
  private isCutOff(now: number): boolean {
    const own = this.members[0]?.place.host;
    const elsewhere = this.members.filter(({ place, state }) => state === "there" && place.host !== own);
    const hosts = new Set(elsewhere.map(({ place }) => place.host));
    const silence = this.silence - Math.min(unevenness, this.silence / 4);
    const unheard = new Set(this.unheardFor(silence, now));
    return hosts.size > 1 && elsewhere.every((member) => unheard.has(member));
  }

  /** A rank that has left the group. */
  private leaver(): number | undefined {
    return this.members.find(({ state }) => state === "left")?.place.rank;
  }

  /** The rank that has begun the fewest collectives, if they are fewer than a waiting rank's. */
  private straggler(waiting: number): number | undefined {
    const present = this.members.filter(({ state }) => state === "there");
    const fewest = Math.min(...present.map(({ calls }) => calls));
    const isBehind = fewest < (this.members[waiting]?.calls ?? 0);
    return isBehind ? present.find(({ calls }) => calls === fewest)?.place.rank : undefined;
  }

  private charge(rank: number, kind: VerdictKind, text: string, due: number, exitCode?: number): void {
    this.charges.push({ rank, kind, text, exitCode, due });
  }
}
