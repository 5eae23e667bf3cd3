/** Finds out whether a socket still carries anything: a ping now and then, a pong in good time. */

const PING_EVERY_MS = 15_000;
const PONG_DEADLINE_MS = 10_000;
/** For any sign of life after waking: a laptop's connection is often dead by then. */
const WAKE_DEADLINE_MS = 3_000;

/** Runs an action after a delay in milliseconds; the result cancels it. */
export type After = (delay: number, action: () => void) => () => void;

export class Heartbeat {
  private token = 0;
  private awaited: number | null = null;
  private cancel: (() => void) | null = null;
  /** Whether the socket has to show soon that it lives. */
  private hurried = false;

  constructor(
    private readonly after: After,
    private readonly send: (token: number) => void,
    private readonly lost: () => void,
  ) {}

  /**
   * The next ping is due in a while. Called when hello or a pong arrives, never from a timer:
   * browsers slow chains of timers in hidden tabs to one a minute, which the node takes for silence.
   */
  start(): void {
    this.stop();
    this.cancel = this.after(PING_EVERY_MS, () => this.ping());
  }

  /** Whether this answers the last ping. */
  pong(token: number): boolean {
    if (token !== this.awaited) return false;
    this.start();
    return true;
  }

  /** Asks now, and waits only briefly; asking again meanwhile does not make it wait longer. */
  probe(): void {
    if (this.hurried) return;
    this.ping(WAKE_DEADLINE_MS);
    this.hurried = true;
  }

  /** Something came, so the socket lives: on a slow line the answer may be behind much else. */
  heard(): void {
    if (this.awaited === null) return;
    this.hurried = false;
    this.cancel?.();
    this.cancel = this.after(PONG_DEADLINE_MS, this.lost);
  }

  stop(): void {
    this.awaited = null;
    this.hurried = false;
    this.cancel?.();
    this.cancel = null;
  }

  private ping(deadline = PONG_DEADLINE_MS): void {
    this.stop();
    this.awaited = ++this.token;
    this.send(this.awaited);
    this.cancel = this.after(deadline, this.lost);
  }
}
