/** The tunnels as a table. */

import { byId, Keyed, make, mark, say } from "./dom.js";
import { addressed, amount, compareNames, count, rate } from "./format.js";
import { compareTunnels } from "./model.js";
import { Sorting } from "./sorting.js";
import { setWhen, when } from "./times.js";

const byText = (name) => (one, other) => compareNames(one[name], other[name]);

/** Each column: its head, how it sorts, what its cell is made of, and how that is filled. */
const COLUMNS = [
  { name: "State", compare: compareTunnels, cell: stateCell, fill: fillState, class: "state" },
  { name: "Peer", compare: byText("peer"), text: (tunnel) => tunnel.peer, class: "peer-name" },
  { name: "Overlay", compare: byText("overlay"), text: (tunnel) => tunnel.overlay },
  { name: "Since", value: (tunnel) => tunnel.since, down: true, cell: timeCell, fill: (cell, tunnel) => setWhen(cell.firstChild, tunnel.since) },
  traffic("In", "Received by this server", "in", "receive"),
  traffic("Out", "Sent by this server", "out", "transmit"),
  { name: "MACs", hint: "Learned MAC addresses", value: (tunnel) => tunnel.learned_macs, down: true, text: (tunnel) => count(tunnel.learned_macs), class: "number" },
  { name: "Address", compare: byText("address"), text: (tunnel) => addressed(tunnel) || "–" },
  { name: "Device", compare: byText("device"), text: (tunnel) => tunnel.device || "–" },
  { name: "VNI", value: (tunnel) => tunnel.vni, text: (tunnel) => String(tunnel.vni ?? "–"), class: "number" },
  { name: "MTU", value: (tunnel) => tunnel.mtu, text: (tunnel) => String(tunnel.mtu ?? "–"), class: "number" },
  { name: "Last repair", value: (tunnel) => tunnel.last_repair?.at, down: true, cell: repairCell, fill: fillRepair, class: "repair" },
];

export class TunnelsView {
  #rows = new Keyed(byId("tunnel-rows"), makeRow, fillRow);
  #sorting = new Sorting(byId("tunnel-heads"), COLUMNS, () => this.#arrange(true));
  #tunnels = [];
  #order = new Map(); // places by key, so that rows don't jump as traffic changes
  #search = byId("search");
  #broken = byId("only-broken");
  #overlay = "";

  constructor() {
    this.#search.addEventListener("input", () => this.#arrange(false));
    this.#broken.addEventListener("change", () => this.#arrange(false));
  }

  /** @param {import("./model.js").Model} model @param {string} overlay whose tunnels; "" is all */
  show(model, overlay) {
    this.#tunnels = model.tunnels;
    this.#overlay = overlay;
    this.#arrange(false);
  }

  /** Rows by values that always move are put in order when that is asked for, not at every answer. */
  #arrange(asked) {
    const { column } = this.#sorting;
    let tunnels = this.#tunnels;
    if (column !== null && (asked || !column.restless)) {
      tunnels = this.#sorting.sorted(tunnels);
      this.#order = new Map(tunnels.map((tunnel, index) => [tunnel.key, index]));
    } else if (column !== null) {
      const place = (tunnel) => this.#order.get(tunnel.key) ?? Infinity;
      tunnels = tunnels.toSorted((one, other) => (place(one) === place(other) ? 0 : place(one) - place(other)));
    }
    const wanted = this.#wanted();
    let shown = 0;
    const items = tunnels.map((tunnel) => {
      const hidden = !wanted(tunnel);
      if (!hidden) shown += 1;
      return { key: tunnel.key, tunnel, hidden };
    });
    this.#rows.show(items);
    const all = `${count(tunnels.length)} tunnel${tunnels.length === 1 ? "" : "s"}`;
    say(byId("tunnel-count"), shown === tunnels.length ? all : `${count(shown)} of ${all}`);
  }

  #wanted() {
    const words = this.#search.value.trim().toLowerCase();
    const broken = this.#broken.checked;
    return ({ overlay, peer, device, address, host, condition }) =>
      (this.#overlay === "" || overlay === this.#overlay) &&
      (!broken || condition !== "well") &&
      (words === "" || [peer, device, address, host ?? ""].some((text) => text.toLowerCase().includes(words)));
  }
}

/** The cells of a row, kept with it: to look them up each time would take longer than to fill them. */
const cells = new WeakMap();

function makeRow() {
  const made = COLUMNS.map((column) => {
    const cell = make("td", { role: "cell", "data-label": column.name, class: column.class ?? null });
    if (column.cell) cell.append(...column.cell());
    return cell;
  });
  const row = make("tr", { role: "row" }, ...made);
  cells.set(row, made);
  return row;
}

function fillRow(row, { tunnel, hidden }) {
  mark(row, { "data-condition": tunnel.condition, hidden });
  cells.get(row).forEach((cell, index) => {
    const column = COLUMNS[index];
    if (column.fill) column.fill(cell, tunnel);
    else say(cell, column.text(tunnel));
  });
}

function stateCell() {
  return [make("span", { class: "label" })];
}

function fillState(cell, tunnel) {
  say(cell.firstChild, tunnel.label);
}

function timeCell() {
  return [when("age", null)];
}

/** The rate, and under it what there was in all; what went wrong only where something did. */
function traffic(name, hint, way, word) {
  const fill = (cell, { rate: rates, traffic: counters }) => {
    const [now, all, wrong] = cell.children;
    say(now, rate(rates[way]));
    say(all, counters ? amount(counters[`${word}_bytes`]) : "");
    say(wrong, counters ? faults(counters[`${word}_errors`], counters[`${word}_drops`]) : "");
  };
  const cell = () => [make("span"), make("small", { class: "total" }), make("small", { class: "faults" })];
  const value = (tunnel) => tunnel.rate[way];
  return { name, hint, value, down: true, restless: true, cell, fill, class: "number" };
}

function faults(errors, drops) {
  const told = [];
  if (errors > 0) told.push(`${count(errors)} error${errors === 1 ? "" : "s"}`);
  if (drops > 0) told.push(`${count(drops)} drop${drops === 1 ? "" : "s"}`);
  return told.join(", ");
}

function repairCell() {
  return [make("span"), when("ago", null)];
}

function fillRepair(cell, { last_repair: repair }) {
  const [what, at] = cell.children;
  say(what, repair ? `${repair.what} ` : "–");
  mark(at, { hidden: !repair });
  setWhen(at, repair?.at);
}
