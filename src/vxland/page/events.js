/** What happened lately, the newest first. */

import { byId, Keyed, make, mark, say } from "./dom.js";
import { counted, duration } from "./format.js";
import { setWhen, when } from "./times.js";

/** How a kind is told, and of what sort it is. */
const KINDS = {
  started: ["started", "plain"],
  set_up: ["set up", "plain"],
  repaired: ["repaired", "well"],
  failed: ["failed", "broken"],
  problem: ["problem", "broken"],
  resolved: ["resolved", "well"],
  config_in_force: ["config in force", "plain"],
  config_refused: ["config refused", "broken"],
  config_good_again: ["config good again", "well"],
  trouble: ["trouble", "broken"],
};

export class EventsView {
  #list = new Keyed(byId("event-list"), makeEvent, fillEvent);

  /** @param {object[]} events oldest first */
  show(events) {
    const newest = events.map((event) => ({ ...event, key: identity(event) })).reverse();
    this.#list.show(newest);
    say(byId("event-count"), newest.length > 0 ? counted(newest.length, "event") : "Nothing has happened since vxland started.");
    byId("event-frame").hidden = newest.length === 0;
  }
}

/** What makes it the same event: its number is another one each time that it comes again. */
function identity({ first_at: first, kind, overlay, peer, device, found, done }) {
  return JSON.stringify([first, kind, overlay, peer, device, found, done]);
}

const parts = new WeakMap();

function makeEvent(event) {
  const [word, sort] = event.found.startsWith("hint: ") ? ["hint", "warned"] : (KINDS[event.kind] ?? [event.kind, "plain"]);
  const all = { at: when("full", event.at), story: make("p", { class: "story" }), rest: make("p", { class: "rest" }) };
  const where = [event.overlay, event.peer].filter(Boolean).join(" → ");
  const device = event.device ? [" ", make("code", {}, event.device)] : [];
  const head = make("p", { class: "head" }, make("span", { class: "label" }, word), " ", make("strong", {}, where), ...device, " ", all.at);
  const item = make("li", { "data-condition": sort }, head, all.story, all.rest);
  parts.set(item, all);
  return item;
}

/** The same event may come again: then its count, its time and its words change. */
function fillEvent(item, event) {
  const { at, story, rest } = parts.get(item);
  setWhen(at, event.at);
  say(story, [event.found, event.done].filter(Boolean).join(" → "));
  const said = JSON.stringify([event.count, event.first_at, event.seconds, event.who, event.kind]);
  if (item.dataset.said === said) return;
  mark(item, { "data-said": said });
  rest.replaceChildren(...details(event));
  rest.hidden = rest.childNodes.length === 0;
}

function details(event) {
  const told = [];
  if (event.seconds !== null) told.push([event.kind === "resolved" ? `lasted ${duration(event.seconds)}` : `took ${duration(event.seconds)}`]);
  if (event.who) told.push([`by ${event.who}`]);
  if (event.count > 1) told.push([`${event.count} times, first `, when("full", event.first_at)]);
  return told.flatMap((words, index) => (index > 0 ? [" · ", ...words] : words));
}
