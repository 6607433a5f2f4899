/** The overlays as a table. */

import { byId, Keyed, make, mark, say } from "./dom.js";
import { compareNames, count } from "./format.js";
import { Sorting } from "./sorting.js";
import { setWhen, when } from "./times.js";

const COLUMNS = [
  { name: "Overlay", compare: (one, other) => compareNames(one.name, other.name), text: (overlay) => overlay.name },
  { name: "State", value: (overlay) => Number(overlay.in_sync), class: "state", fill: fillState },
  { name: "Since", value: (overlay) => overlay.since, down: true, fill: (cell, overlay) => setWhen(child(cell, () => when("age", null)), overlay.since) },
  { name: "Tunnels", hint: "Present, of those wanted", value: (overlay) => overlay.tunnels_present, down: true, text: tunnels, class: "number" },
  { name: "Bridge", compare: (one, other) => compareNames(one.bridge, other.bridge), text: bridge },
  { name: "MTU", value: (overlay) => overlay.mtu, text: (overlay) => String(overlay.mtu), class: "number" },
  { name: "Guards", compare: (one, other) => compareNames(guards(one), guards(other)), text: guards },
  { name: "Kept out", hint: "Packets that weren't from the peers that their VNIs are for", value: (overlay) => overlay.kept_out, down: true, text: keptOut, class: "number" },
  { name: "Other ports", hint: "Ports of the bridge that aren't vxland's", value: (overlay) => overlay.ports?.count, down: true, text: ports },
  { name: "Could loop", hint: "Pairs of ports that nothing keeps apart: must be 0", value: (overlay) => overlay.looping_pairs, down: true, text: (overlay) => count(overlay.looping_pairs), class: "number" },
];

export class OverlaysView {
  #rows = new Keyed(byId("overlay-rows"), makeRow, fillRow);
  #sorting = new Sorting(byId("overlay-heads"), COLUMNS, () => this.#arrange());
  #overlays = [];

  /** @param {import("./model.js").Model} model */
  show(model) {
    this.#overlays = model.overlays;
    this.#arrange();
  }

  #arrange() {
    this.#rows.show(this.#sorting.sorted(this.#overlays));
  }
}

function makeRow() {
  const cells = COLUMNS.map((column) => make("td", { role: "cell", "data-label": column.name, class: column.class ?? null }));
  return make("tr", { role: "row" }, ...cells);
}

function fillRow(row, overlay) {
  mark(row, { "data-condition": overlay.in_sync ? "well" : "broken" });
  COLUMNS.forEach((column, index) => {
    const cell = row.children[index];
    if (column.fill) column.fill(cell, overlay);
    else say(cell, column.text(overlay));
  });
}

function fillState(cell, overlay) {
  say(child(cell, () => make("span", { class: "label" })), overlay.in_sync ? "in sync" : "out of sync");
}

/** The one element in a cell, made at first. */
function child(cell, create) {
  if (cell.firstChild === null) cell.append(create());
  return cell.firstChild;
}

function tunnels({ tunnels_present: present, peers_wanted: wanted, waiting }) {
  const late = (waiting ?? []).length;
  return `${count(present)} of ${count(wanted)}${late > 0 ? `, ${count(late)} waiting` : ""}`;
}

function bridge({ bridge: name, bridge_state: state }) {
  return state === "up" ? name : `${name}, ${state}`;
}

function guards(overlay) {
  if (overlay.guards.length === 0) return "none";
  return overlay.guards.join(", ") + (overlay.guards_seen ? "" : " (can't be seen)");
}

function keptOut({ ingress, kept_out: packets }) {
  if (ingress === "off") return "off";
  return packets == null ? "–" : count(packets);
}

function ports({ ports: others }) {
  if (!others) return "–";
  const wrong = [];
  if (others.too_large.length > 0) wrong.push(`MTU too large: ${others.too_large.join(", ")}`);
  if (others.isolated.length > 0) wrong.push(`isolated: ${others.isolated.join(", ")}`);
  return [count(others.count), ...wrong].join("; ");
}
