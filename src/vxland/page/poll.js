/** Asks the daemon again and again: one question at a time, none while nobody looks. */

import { setClock } from "./times.js";

const PERIOD = 2000;
const SOON = 250; // until the second try where a connection was lost: a browser ends all when a network of its machine changes
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
    this.doubtful = false; // the last question came to nothing
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
      const again = error instanceof TypeError && !this.doubtful;
      this.doubtful = true;
      this.pause = again ? SOON : Math.min(Math.max(this.pause, PERIOD) * 2, LONGEST);
      if (!again) this.fail(reason(error), this.pause / 1000);
      return;
    }
    this.doubtful = false;
    this.pause = PERIOD;
    const [status, events] = answers;
    this.hear(status, events.events ?? [], performance.now() / 1000);
  }
}

class Refusal extends Error {}

async function ask(path) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  setClock(response.headers.get("Date"));
  const answer = await response.json().catch(noJson);
  if (answer === null || typeof answer !== "object" || !(response.ok || "error" in answer)) {
    throw new Refusal(`an answer of another kind (HTTP status ${response.status})`);
  }
  return answer;
}

/** Nothing, unless it is the connection that was lost before the answer's end. */
function noJson(error) {
  if (error instanceof SyntaxError) return null;
  throw error;
}

function reason(error) {
  if (error instanceof Refusal) return error.message;
  return error.name === "TimeoutError" ? `no answer in ${PATIENCE / 1000} s` : "no connection";
}
