/** The first thing on the page: whether all is well, and if not, what to do. */

import { apart } from "./commands.js";
import { byId, Keyed, make, mark, say } from "./dom.js";
import { findings } from "./findings.js";
import { count, counted } from "./format.js";
import { setWhen, when } from "./times.js";

const NAMED = 8; // of those that are the same
const STARTING = 10; // seconds
const MOST = 12; // findings told in full; the table has all

/**
 * What the verdict says.
 * @typedef {{mood: string, words: string, since: number|null, rest: string}} Verdict
 */

/** @param {import("./model.js").Model} model @returns {Verdict} */
export function judge(model) {
  const { status, tunnels } = model;
  const broken = model.in("broken");
  const waiting = model.in("waiting");
  const all = counted(tunnels.length, "tunnel");
  if (status.overlays.length === 0 && model.problems.length === 0) {
    const rest = model.hints.map((hint) => hint.cure).find(Boolean) ?? "";
    return { mood: "empty", words: "Nothing is configured yet", since: null, rest };
  }
  if (broken.length > 0) {
    const since = Math.min(...broken.map((tunnel) => tunnel.since ?? status.since));
    const verb = broken.length === 1 ? "is" : "are";
    const which = broken.length === 1 ? "" : ", the first";
    const rest = waiting.length > 0 ? `${count(waiting.length)} more can't be laid out yet.` : "";
    return { mood: "bad", words: `${count(broken.length)} of ${all} ${verb} broken${which} since`, since, rest };
  }
  if (waiting.length > 0) {
    const verb = waiting.length === 1 ? "waits" : "wait";
    return { mood: "bad", words: `${count(waiting.length)} of ${all} ${verb} since`, since: status.since, rest: "" };
  }
  if (!status.in_sync) return { mood: "bad", words: "Not in sync since", since: status.since, rest: "" };
  const overlays = counted(status.overlays.length, "overlay");
  const mood = (status.config?.errors ?? []).length > 0 ? "warned" : "good";
  return { mood, words: "In sync since", since: status.since, rest: `${all} in ${overlays}.` };
}

/** The section at the top, and what is announced when it changes. */
export class VerdictView {
  #cards = new Keyed(byId("findings"), makeCard, fillCard);
  #hints = new Keyed(byId("hints"), makeHint, fillHint);
  #time = when("full", null);

  node = "vxland"; // who is judged

  constructor() {
    const words = make("span");
    byId("verdict").replaceChildren(words, " ", this.#time);
    this.words = words;
  }

  /** Shows what is true. @param {import("./model.js").Model} model */
  show(model) {
    const verdict = judge(model);
    const found = findings(model);
    const start = model.status.started_at ?? 0;
    const titles = found.slice(0, 3).map((finding) => finding.title);
    if ((model.status.config?.errors ?? []).length > 0) titles.push("the configuration was refused");
    this.#tell(verdict, titles);
    // Of what was so when vxland started nobody knows since when.
    this.#cards.show(found.slice(0, MOST).map((each) => ({ ...each, older: each.since !== null && each.since <= start + STARTING })));
    const more = found.length - MOST;
    byId("more").hidden = more <= 0;
    say(byId("more"), `And ${count(more)} more: see the table of tunnels.`);
    const hints = model.hints.filter((hint) => verdict.mood !== "empty" || hint.cure !== verdict.rest);
    this.#hints.show(hints.map((hint) => ({ ...hint, key: JSON.stringify([hint.text, hint.device]) })));
    byId("hints-part").hidden = hints.length === 0;
    this.#showConfig(model.status.config);
  }

  /** Shows that nothing can be told, and why. */
  cannotTell(mood, words, rest, since = null) {
    this.#tell({ mood, words, since, rest }, []);
  }

  #tell({ mood, words, since, rest }, titles) {
    mark(byId("verdict-part"), { "data-mood": mood });
    say(this.words, words);
    setWhen(this.#time, since, "");
    const place = byId("rest");
    if (place.textContent !== rest) place.replaceChildren(...prose(rest));
    const short = words.replace(/,? ?(the first )?since$/, "");
    const named = titles.length > 0 ? `: ${titles.join(", ")}` : "";
    say(byId("announcement"), short + named);
    const title = `${SIGNS[mood] ?? ""}${short} – ${this.node}`;
    if (document.title !== title) document.title = title;
  }

  #showConfig(config) {
    const errors = config?.errors ?? [];
    byId("config-part").hidden = errors.length === 0;
    if (errors.length === 0) return;
    say(byId("config-path"), config.path);
    byId("config-when").hidden = !config.refused_at;
    setWhen(byId("config-refused"), config.refused_at);
    setWhen(byId("config-loaded"), config.loaded_at);
    const list = byId("config-errors");
    const text = JSON.stringify(errors);
    if (list.dataset.text === text) return;
    list.dataset.text = text;
    list.replaceChildren(...errors.map((error) => make("li", {}, ...prose(error))));
  }
}

const SIGNS = { bad: "✕ ", gone: "✕ ", unsure: "… ", warned: "! " };

/** A text whose commands can be copied. */
export function prose(text) {
  return apart(text).map((part) => (part.command ? command(part.text) : part.text));
}

function command(text) {
  const code = make("code", {}, text);
  if (!navigator.clipboard) return code; // it is for pages from this machine and by TLS
  const button = make("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}` }, "copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text).then(
      () => say(button, "copied"),
      () => say(button, "not allowed"),
    );
    setTimeout(() => say(button, "copy"), 2000);
  });
  return make("span", { class: "command" }, code, button);
}

function makeCard() {
  return make("li", { class: "finding" });
}

/** Made anew only if its words changed: a button in it may have the focus. */
function fillCard(card, finding) {
  const text = JSON.stringify(finding);
  if (card.dataset.text === text) return;
  card.dataset.text = text;
  mark(card, { "data-condition": finding.condition });
  const title = make("h3", {}, finding.title, " ", make("span", { class: "label" }, finding.label));
  const rows = finding.since === null ? [] : [["Since", [when("full", finding.since), finding.older ? ", or longer: vxland started then" : ""]]];
  if (finding.device) rows.unshift(["Device", [make("code", {}, finding.device)]]);
  if (finding.likewise?.length > 0) rows.push(["Likewise", [likewise(finding.likewise)]]);
  rows.push(["Wrong", finding.wrong.map((line) => make("p", {}, line))]);
  rows.push(["vxland did", did(finding)]);
  rows.push(["What to do", todo(finding)]);
  const list = make("dl", {}, ...rows.map(([name, said]) => make("div", {}, make("dt", {}, name), make("dd", {}, ...said))));
  card.replaceChildren(title, list);
}

function likewise(titles) {
  const more = titles.length - NAMED;
  return titles.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}

function did(finding) {
  const lines = finding.did.map((deed) => make("p", {}, `${deed.text}, `, when("ago", deed.at)));
  if (finding.next.length > 0) lines.push(make("p", {}, `next: ${finding.next.slice(0, 3).join("; ")}`));
  return lines.length > 0 ? lines : ["nothing yet"];
}

function todo(finding) {
  if (finding.cures.length > 0) return finding.cures.map((cure) => make("p", { class: "cure" }, ...prose(cure)));
  return [make("p", { class: "cure" }, "Nothing yet: vxland is at it. If it stays so: ", command("journalctl -u vxland -e"))];
}

function makeHint() {
  return make("li", {});
}

function fillHint(element, hint) {
  const text = JSON.stringify([hint.text, hint.cure, hint.overlay]);
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  const where = [hint.overlay, hint.peer].filter(Boolean).join(" → ");
  const cure = hint.cure ? [make("p", { class: "cure" }, ...prose(hint.cure))] : [];
  element.replaceChildren(make("p", {}, ...(where ? [make("strong", {}, where), ": "] : []), hint.text), ...cure);
}
