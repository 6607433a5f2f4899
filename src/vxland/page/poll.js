/** Asks the daemon again and again: one question at a time, none while nobody looks. */

import { setClock } from "./times.js";

const PERIOD = 2000;
const LONGEST = 30000; // between two tries while there is no answer
const PATIENCE = 10000; // for one answer

export class Poller {
  /**
   * @param {(status: object, events: object[], at: number) => void} hear what it said; `at` is a steady clock's, in seconds
   * @param {(reason: string, pause: number) => void} fail why it said nothing, and the seconds until the next try
   */
  constructor(hear, fail) {
    this.hear = hear;
    this.fail = fail;
    this.pause = PERIOD;
    this.timer = null;
    this.busy = false;
    document.addEventListener("visibilitychange", () => this.again());
    window.addEventListener("online", () => this.again());
  }

  /** Asks now, whatever the pause would be; not while nobody looks, which stops it until they do. */
  again() {
    clearTimeout(this.timer);
    if (this.busy || document.hidden) return;
    this.busy = true;
    this.#turn().finally(() => {
      this.busy = false;
      this.timer = setTimeout(() => this.again(), this.pause);
    });
  }

  async #turn() {
    let answers;
    try {
      answers = await Promise.all([ask("/api/v1/status"), ask("/api/v1/events")]);
    } catch (error) {
      this.pause = Math.min(this.pause * 2, LONGEST);
      this.fail(reason(error), this.pause / 1000);
      return;
    }
    this.pause = PERIOD;
    const [status, events] = answers;
    this.hear(status, events.events ?? [], performance.now() / 1000);
  }
}

class Refusal extends Error {}

async function ask(path) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  setClock(response.headers.get("Date"));
  const answer = await response.json().catch(() => null);
  if (answer === null || typeof answer !== "object" || !(response.ok || "error" in answer)) {
    throw new Refusal(`an answer of another kind (HTTP status ${response.status})`);
  }
  return answer;
}

function reason(error) {
  if (error instanceof Refusal) return error.message;
  return error.name === "TimeoutError" ? `no answer in ${PATIENCE / 1000} s` : "no connection";
}
