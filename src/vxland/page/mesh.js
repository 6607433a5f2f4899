/** The mesh as a picture: this server, its peers, and a line for each tunnel. */

import { byId, draw, Keyed, make, mark, say } from "./dom.js";
import { addressed, briefly, count, counted, level, rate, shortened } from "./format.js";
import { arrange, BAR, HUB, NAME } from "./layout.js";
import { readPeers, total } from "./model.js";
import { when } from "./times.js";

const CARD = { width: 160, height: 48 };
const CROSS = "M-5 -5L5 5M-5 5L5 -5";
const MARKS = { broken: CROSS, waiting: "M-4.5 -4.5h9v9h-9z", warned: "M0 -5.5L5.5 4.5H-5.5z", well: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0" };

export class MeshView {
  #frame = byId("mesh-frame");
  #detail = byId("mesh-detail");
  #title = draw("title", { id: "mesh-title" });
  #trunk = draw("path", { class: "line trunk" });
  #words = draw("text", { class: "words" });
  #peers = draw("g");
  #hub = hub();
  #svg = draw("svg", { role: "img", "aria-labelledby": "mesh-title", "aria-describedby": "mesh-detail" });
  #keyed = new Keyed(this.#peers, makePeer, fillPeer);
  #shown = new Map(); // peers by key
  #model = null;
  #overlay = "";

  constructor() {
    this.#svg.append(this.#title, this.#trunk, this.#words, this.#peers, this.#hub.group);
    this.#frame.append(this.#svg);
    new ResizeObserver(() => this.#draw()).observe(this.#frame);
    const point = (event) => this.#point(event.target.closest?.("[data-key]")?.dataset.key);
    this.#svg.addEventListener("pointerover", point);
    this.#svg.addEventListener("pointerdown", point);
  }

  /** @param {import("./model.js").Model} model @param {string} overlay whose tunnels; "" is all */
  show(model, overlay) {
    this.#model = model;
    this.#overlay = overlay;
    this.#draw();
  }

  #draw() {
    const width = this.#frame.clientWidth;
    if (this.#model === null || width === 0) return;
    const tunnels = this.#model.tunnels.filter((t) => this.#overlay === "" || t.overlay === this.#overlay);
    const peers = readPeers(tunnels);
    this.#shown = new Map(peers.map((peer) => [peer.key, peer]));
    const { height, hub: at, places, wall } = arrange(peers, width);
    mark(this.#svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    this.#hub.show(this.#model.status.node, tunnels, at);
    this.#keyed.show(peers.map((peer, index) => ({ ...peer, key: `${places[index].shape} ${peer.key}`, peer, place: places[index] })));
    mark(this.#trunk, { d: wall?.trunk ?? null, "data-condition": peers.at(-1)?.condition ?? null });
    mark(this.#words, { x: wall?.words.x ?? 0, y: wall?.words.y ?? 0, "text-anchor": wall?.words.middle ? "middle" : null });
    say(this.#words, wall ? wallWords(peers, places) : "");
    say(this.#title, summary(this.#model.status.node, peers));
    this.#frame.hidden = peers.length === 0;
  }

  /** Says more of the peer that is pointed at. */
  #point(key) {
    const peer = this.#shown.get(key);
    if (peer === undefined) return;
    const told = peer.tunnels.slice(0, 4).map((tunnel) =>
      make("span", {}, ` · ${tunnel.overlay}: ${tunnel.label}, `, when("age", tunnel.since), `, ↓ ${rate(tunnel.rate.in)} ↑ ${rate(tunnel.rate.out)}`),
    );
    this.#detail.replaceChildren(make("strong", {}, peer.key), ` ${addressed(peer)}`, ...told);
  }
}

/** What a screen reader says of the picture; the tables say the rest. */
function summary(node, peers) {
  const sick = peers.filter((peer) => peer.condition !== "well");
  const named = sick.slice(0, 5).map((peer) => `${peer.key} ${peer.label}`);
  if (sick.length > 5) named.push(`${count(sick.length - 5)} more`);
  const rest = sick.length === 0 ? "all up" : named.join("; ");
  return `${node || "This server"} and ${counted(peers.length, "peer")}: ${rest}`;
}

function wallWords(peers, places) {
  const bars = peers.filter((_, index) => places[index].shape === "bar");
  const sick = bars.filter((peer) => peer.condition !== "well").length;
  const well = counted(bars.length - sick, "peer");
  if (sick === bars.length) return `${count(sick)} more that aren't well`;
  return sick > 0 ? `${count(sick)} more that aren't well, then ${well} in sync` : `${well} in sync, by name`;
}

function hub() {
  const name = draw("text", { class: "name", y: -4 });
  const rates = draw("text", { class: "rates", y: 14 });
  const box = draw("rect", { x: -HUB.width / 2, y: -HUB.height / 2, width: HUB.width, height: HUB.height, rx: 8 });
  const group = draw("g", { class: "hub" }, box, name, rates);
  const show = (node, tunnels, at) => {
    mark(group, { transform: `translate(${at.x} ${at.y})` });
    say(name, shortened(node || "this server", NAME));
    say(rates, both({ in: total(tunnels, "in"), out: total(tunnels, "out") }));
  };
  return { group, show };
}

const MAKERS = { card: makeCard, row: makeRow, bar: () => draw("path", { class: "bar" }) };
const FILLERS = { card: fillCard, row: fillRow, bar: fillBar };

function makePeer({ place, peer }) {
  return mark(MAKERS[place.shape](peer), { "data-key": peer.key });
}

function fillPeer(element, { place, peer }) {
  mark(element, { "data-condition": peer.condition });
  FILLERS[place.shape](element, place, peer);
}

/** The parts of a peer that has words, kept with its element. */
const parts = new WeakMap();

function assemble(peer, extra) {
  const all = {
    line: draw("path", { class: "line" }),
    ...extra,
    sign: draw("path", { class: "sign" }),
    name: draw("text", { class: "name" }, shortened(peer.key, NAME)),
    told: draw("text", { class: "rates" }),
  };
  const group = draw("g", { class: "peer" }, draw("title", {}, peer.key), ...Object.values(all));
  parts.set(group, all);
  return group;
}

function makeCard(peer) {
  const half = { x: -CARD.width / 2, y: -CARD.height / 2 };
  return assemble(peer, {
    box: draw("rect", { ...half, ...CARD, rx: 8 }),
    address: draw("text", { class: "address" }, shortened(peer.address, 20)),
    other: draw("text", { class: "rates" }),
  });
}

/** Traffic stands at the line, which is as wide as it is busy. */
function fillCard(element, { x, y, line, side }, peer) {
  const { line: path, box, sign, name, address, told, other } = parts.get(element);
  mark(path, { d: line, "data-level": busy(peer) });
  mark(box, { transform: `translate(${x} ${y})` });
  mark(sign, { d: MARKS[peer.condition], transform: `translate(${x - CARD.width / 2} ${y - CARD.height / 2})` });
  mark(name, { x, y: y - 4 });
  mark(address, { x, y: y + 14 });
  say(address, shortened(peer.address, 20));
  const [fromX, fromY] = line.slice(1).split(/[ L]/).map(Number);
  const off = 9 + 15 * Math.abs((x - fromX) / (y - fromY)); // the flatter the line, the farther
  const beside = { x: (fromX + x) / 2 + side * off, "text-anchor": side < 0 ? "end" : "start" };
  mark(told, { ...beside, y: (fromY + y) / 2 - 2 });
  mark(other, { ...beside, y: (fromY + y) / 2 + 14 });
  const well = peer.condition === "well";
  say(told, well ? `↓ ${rate(peer.rate.in)}` : peer.label);
  say(other, well ? `↑ ${rate(peer.rate.out)}` : "");
}

function makeRow(peer) {
  return assemble(peer, {});
}

function fillRow(element, { x, y, gap, line, side }, peer) {
  const { line: path, sign, name, told } = parts.get(element);
  mark(path, { d: line, "data-level": busy(peer) });
  mark(sign, { d: MARKS[peer.condition], transform: `translate(${x + side * 6} ${y})` });
  const anchor = side < 0 ? "end" : "start";
  mark(name, { x: x + side * 17, y: y + 4, "text-anchor": anchor });
  mark(told, { x: x + side * gap, y: y + 4, "text-anchor": anchor });
  say(told, peer.condition === "well" ? both(peer.rate) : shortened(peer.label, 18));
}

/** Of many, traffic is a bar's height, and what isn't well has its sign. */
function fillBar(element, { x, y }, peer) {
  const middle = `M${x + BAR.width / 2} ${y + BAR.height / 2}`;
  const high = 2 + 2 * busy(peer);
  const bar = `M${x} ${y + BAR.height}v${-high}h${BAR.width}v${high}z`;
  const sign = { broken: `${middle}m-4 -4l8 8m-8 0l8 -8`, waiting: `${middle}m-3.5 -3.5h7v7h-7z` };
  mark(element, { d: sign[peer.condition] ?? bar });
}

function both({ in: received, out: sent }) {
  return `↓ ${briefly(received)} ↑ ${briefly(sent)}`;
}

function busy(peer) {
  return level((peer.rate.in ?? 0) + (peer.rate.out ?? 0));
}
