/** Puts the page together: what is heard is shown, and what isn't heard is told. */

import { byId, make, mark, say } from "./dom.js";
import { EventsView } from "./events.js";
import { span } from "./format.js";
import { MeshView } from "./mesh.js";
import { Model, Rates } from "./model.js";
import { OverlaysView } from "./overlays.js";
import { Poller } from "./poll.js";
import { age, now } from "./times.js";
import { TunnelsView } from "./tunnels.js";
import { VerdictView } from "./verdict.js";

const FRESH = 5; // seconds for which an answer counts as live

const verdict = new VerdictView();
const mesh = new MeshView();
const overlays = new OverlaysView();
const tunnels = new TunnelsView();
const events = new EventsView();
const rates = new Rates();
const choice = byId("overlay");

let model = null; // the last picture there was
let heard = null; // when
let lost = null; // since when there is no answer
let patience = null; // seconds between tries then

function hear(status, told, at) {
  const begun = performance.now();
  heard = now();
  lost = null;
  try {
    if (status.error) cannotTell("vxland can't tell how things are", status.error);
    else take(status, told, at);
    events.show(told);
  } catch (error) {
    cannotTell("This page can't show what vxland says", `A fault of its own: ${error}. On this server: vxland status`);
    console.error(error);
  }
  tick();
  performance.clearMeasures("update"); // only the last one is kept, for whoever wonders what it costs
  performance.measure("update", { start: begun });
}

/** The last picture stays, dimmed: it may well still be so. */
function cannotTell(words, rest) {
  verdict.cannotTell("unsure", words, rest);
  mark(document.body, { "data-stale": model !== null, "data-empty": model === null });
}

function take(status, told, at) {
  rates.at = at;
  model = new Model(status, told, rates);
  mark(document.body, { "data-stale": false, "data-empty": status.overlays.length === 0 });
  verdict.node = status.node || "this server";
  showNode(status);
  showChoice(status.overlays.map((overlay) => overlay.name));
  show();
}

function show() {
  verdict.show(model);
  mesh.show(model, choice.value);
  overlays.show(model);
  tunnels.show(model, choice.value);
  age(document);
}

function fail(reason, pause) {
  patience = pause;
  lost ??= heard ?? now();
  mark(document.body, { "data-stale": model !== null, "data-empty": model === null });
  verdict.cannotTell("gone", "vxland doesn't answer since", `There is ${reason}. On this server: systemctl status vxland`, lost);
  tick();
}

function showNode(status) {
  say(byId("node"), status.node || "this server");
  say(byId("version"), `vxland ${status.version}`);
}

/** The choice of an overlay, where there are several. */
function showChoice(names) {
  byId("overlay-part").hidden = names.length < 2;
  const known = [...choice.options].slice(1).map((option) => option.value);
  if (JSON.stringify(known) === JSON.stringify(names)) return;
  const chosen = choice.value;
  choice.replaceChildren(choice.options[0], ...names.map((name) => make("option", { value: name }, name)));
  choice.value = names.includes(chosen) ? chosen : "";
}

/** How old what is shown is. */
function tick() {
  const old = heard === null ? null : now() - heard;
  const live = old !== null && lost === null && old < FRESH;
  mark(byId("live"), { "data-live": String(live) });
  const shown = old === null ? "nothing heard" : live ? `live, ${span(old)} old` : `${span(old)} old`;
  say(byId("age"), lost === null ? shown : `${shown}, asking every ${patience} s`);
}

choice.addEventListener("change", () => {
  mesh.show(model, choice.value);
  tunnels.show(model, choice.value);
});
setInterval(() => {
  if (document.hidden) return;
  tick();
  if (lost !== null) age(byId("verdict-part"));
}, 1000);
byId("again").addEventListener("click", () => poller.again());

const poller = new Poller(hear, fail);
poller.again();
