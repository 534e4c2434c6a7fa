import type { BoardCommand, BoardList, BoardRun, BoardView } from "./board-data.ts";

/** Milliseconds from one look to the next. */
const interval = { shown: 1000, hidden: 10_000, lost: 1500 };

/** For how long a sent command is shown, in milliseconds. */
const sentTime = 8000;

/** A command on its way to a run. */
export interface SentCommand {
  command: BoardCommand["command"];
  /** The run's state when it was sent. */
  state: string;
  at: number;
}

/** What the page shows. */
export interface BoardState {
  list: BoardList | null;
  view: BoardView | null;
  /** Ids of the runs that are looked at, in the order of their colours. */
  shown: readonly string[];
  /** Why the server does not answer; null while it does. */
  lost: string | null;
  /** Percent of a noisy line's points that a drawn point is the mean of. */
  smoothing: number;
  sent: ReadonlyMap<string, SentCommand>;
  /** Read out by screen readers. */
  announcement: string;
}

/** What the parts of the page get: the state, and the client that changes it. */
export interface PageProps {
  state: BoardState;
  client: BoardClient;
}

/** Asks the server again and again, and keeps what the page shows. A server that comes back is found again. */
export class BoardClient {
  state: BoardState;
  private readonly onChange: (state: BoardState) => void;
  private timer: number | undefined;
  private asking = false;
  private again = false;

  constructor(shown: readonly string[], onChange: (state: BoardState) => void) {
    this.onChange = onChange;
    const nothing = { list: null, view: null, lost: null, sent: new Map(), announcement: "" };
    this.state = { ...nothing, shown, smoothing: 2 };
  }

  /** Asks now, and from then on again and again. */
  async refresh(): Promise<void> {
    this.again = this.asking;
    if (this.asking) return;
    clearTimeout(this.timer);
    this.asking = true;
    await this.ask();
    this.asking = false;
    if (this.again) return this.refresh();
    const pause =
      this.state.lost !== null ? interval.lost : document.hidden ? interval.hidden : interval.shown;
    this.timer = setTimeout(() => void this.refresh(), pause);
  }

  /** Shows a run, or no longer. */
  toggle(id: string): void {
    const { shown } = this.state;
    this.show(shown.includes(id) ? shown.filter((other) => other !== id) : [...shown, id]);
  }

  show(shown: readonly string[]): void {
    this.change({ shown });
    void this.refresh();
  }

  smooth(smoothing: number): void {
    this.change({ smoothing });
  }

  /** Sends a command to a run. */
  async send({ id, name, state }: BoardRun, command: BoardCommand["command"]): Promise<void> {
    const body: BoardCommand = { run: id, command };
    try {
      await ask("/api/control", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const sent = new Map(this.state.sent).set(id, { command, state, at: Date.now() });
      this.change({ sent, announcement: `${command} sent to ${name}` });
    } catch (error) {
      this.change({ announcement: `${command} was not sent to ${name}: ${reason(error)}` });
    }
    void this.refresh();
  }

  private async ask(): Promise<void> {
    try {
      const list: BoardList = await ask("/api/runs");
      this.takeList(list);
      const { shown, view } = this.state;
      const query = new URLSearchParams(shown.map((id) => ["run", id]));
      if (view !== null) query.set("known", view.version);
      const next: BoardView | null = await ask(`/api/view?${query}`);
      if (next !== null) this.change({ view: next });
    } catch (error) {
      const lost = reason(error);
      if (this.state.lost === null) this.change({ lost, announcement: lost });
      else if (this.state.lost !== lost) this.change({ lost });
    }
  }

  private takeList(list: BoardList): void {
    const { list: before, shown, lost } = this.state;
    const news = [...(lost === null ? [] : ["The board answers again."]), ...changes(before, list)];
    this.change({
      list,
      lost: null,
      shown: before === null && shown.length === 0 ? firstShown(list) : shown,
      sent: stillSent(this.state.sent, list),
      ...(news.length > 0 && { announcement: news.join(" ") }),
    });
  }

  private change(part: Partial<BoardState>): void {
    this.state = { ...this.state, ...part };
    this.onChange(this.state);
  }
}

async function ask(address: string, options: RequestInit = {}) {
  const response = await fetch(address, { ...options, signal: AbortSignal.timeout(20_000) });
  if (response.ok) return response.json();
  if (response.status === 401)
    throw new Error("The board was started again with another token: open the link that it has printed.");
  const { error }: { error?: string } = await response.json().catch(() => ({}));
  throw new Error(error ?? `The board answers with ${response.status}.`);
}

/** The message of a network error does not help the user. */
function reason(error: unknown): string {
  if (!(error instanceof Error) || error instanceof TypeError || error.name === "TimeoutError")
    return "The board does not answer. Runs go on; start scalora board again, and this page finds it.";
  return error.message;
}

/** What is looked at first: what is being trained, else the newest run. */
function firstShown({ runs }: BoardList): string[] {
  const active = runs.filter((run) => run.active).map(({ id }) => id);
  const newest = runs.toSorted((a, b) => (b.updatedAt ?? "").localeCompare(a.updatedAt ?? ""))[0];
  return active.length > 0 ? active : newest === undefined ? [] : [newest.id];
}

/** Changes of state, in words. */
function changes(before: BoardList | null, list: BoardList): string[] {
  const states = new Map(before?.runs.map(({ id, state }) => [id, state]));
  return list.runs.flatMap(({ id, name, state }) => {
    const old = states.get(id);
    return old === undefined || old === state ? [] : [`${name} is ${state}.`];
  });
}

/** Without commands that took effect, or were sent long ago. */
function stillSent(sent: BoardState["sent"], { runs }: BoardList): BoardState["sent"] {
  const states = new Map(runs.map(({ id, state }) => [id, state]));
  return new Map(
    [...sent].filter(([id, { state, at }]) => states.get(id) === state && Date.now() - at < sentTime),
  );
}
