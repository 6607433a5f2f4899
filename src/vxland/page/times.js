/** Moments on the page. Their words change as time passes, and only those words. */

import { make, mark, say } from "./dom.js";
import { clock, exact, span } from "./format.js";

const WORDS = {
  age: (at, now) => span(now - at),
  ago: (at, now) => `${span(now - at)} ago`,
  clock: (at, now) => clock(at, now),
  full: (at, now) => `${clock(at, now)}, ${span(now - at)} ago`,
};

let lag = 0; // seconds that the server's clock is ahead of this one

/** The server's clock, in seconds since the epoch. */
export function now() {
  return Date.now() / 1000 + lag;
}

/** Goes by the server's clock: a laptop's may be off. The header has whole seconds. */
export function setClock(header) {
  const difference = Date.parse(header ?? "") / 1000 - Date.now() / 1000;
  lag = Math.abs(difference) > 3 ? difference : 0;
}

/**
 * An element for a moment.
 * @param {"age"|"ago"|"clock"|"full"} style
 * @param {number|null} at
 */
export function when(style, at) {
  return setWhen(make("time", { "data-style": style }), at);
}

/** Sets an element of when() to another moment; null is none, and `none` is said then. */
export function setWhen(element, at, none = "–") {
  if (at === null || at === undefined) {
    mark(element, { "data-at": null, datetime: null, title: null });
    say(element, none);
    return element;
  }
  if (element.dataset.at !== String(at)) {
    const moment = new Date(at * 1000).toISOString();
    mark(element, { "data-at": at, datetime: moment, title: exact(at) });
  }
  say(element, WORDS[element.dataset.style](at, now()));
  return element;
}

/** Lets all moments below this element say how long ago they are. */
export function age(root) {
  const present = now();
  for (const element of root.querySelectorAll("time[data-at]")) {
    say(element, WORDS[element.dataset.style](Number(element.dataset.at), present));
  }
}
