/**
 * Where things stand in the picture of the mesh. A few peers stand around this server, some dozens in
 * columns beside it; of many more, those that aren't well stand so, and the rest are a wall of bars.
 */

const ROW = 26;
const APART = 150; // from this server to a row of cards
const EDGE = 12;
export const HUB = { width: 150, height: 48 };
const FEW = 6; // peers that have room around this server
const SOME = 80; // peers that have a row each
const PULLED_OUT = 16; // rows above the wall
const WIDE = 560;
export const NAME = 15; // letters of a name that have room
const LETTER = 8.5;
const RATES = 104;
export const BAR = { width: 9, height: 16, gap: 3 };

/**
 * @typedef {object} Place
 * @property {"card"|"row"|"bar"} shape
 * @property {number} x where its mark stands
 * @property {number} y
 * @property {string} [line] the path from this server
 * @property {-1|1} [side] where its words stand
 * @property {number} [gap] how far from there its rates stand
 */

/**
 * @param {import("./model.js").Peer[]} peers worst first
 * @param {number} width of the picture
 * @returns {{height: number, hub: {x: number, y: number}, places: Place[], wall: object|null}}
 */
export function arrange(peers, width) {
  if (peers.length <= FEW && width >= WIDE) return around(peers, width);
  if (peers.length <= SOME) return { ...beside(peers, width), wall: null };
  return walled(peers, width);
}

/** One row of them above this server, and one below. */
function around(peers, width) {
  const above = Math.floor(peers.length / 2);
  const hub = { x: width / 2, y: (above > 0 ? APART : 0) + HUB.height / 2 + EDGE };
  const places = peers.map((_, index) => {
    const up = index < above;
    const among = up ? above : peers.length - above;
    const at = up ? index : index - above;
    const x = round(width / 2 + ((at - (among - 1) / 2) * (width - 2 * EDGE)) / Math.max(among, 2));
    const y = hub.y + (up ? -APART : APART);
    return { shape: "card", x, y, line: `M${hub.x} ${hub.y}L${x} ${y}`, side: x < hub.x ? -1 : 1 };
  });
  return { height: hub.y + APART + HUB.height / 2 + EDGE, hub, places, wall: null };
}

/** How far from a row's line its rates stand: beside the longest name. */
function words(peers) {
  const longest = Math.max(4, ...peers.map((peer) => Math.min(NAME, peer.key.length)));
  return 26 + longest * LETTER;
}

/** A row for each, on both sides of this server, or below it where it is narrow. */
function beside(peers, width) {
  if (width < WIDE) return below(peers, width);
  const gap = words(peers);
  const left = Math.ceil(peers.length / 2);
  const height = Math.max(left * ROW, HUB.height) + 2 * EDGE;
  const hub = { x: width / 2, y: height / 2 };
  const reach = Math.max(40, Math.min(150, (width - HUB.width) / 2 - EDGE - gap - RATES));
  const places = peers.map((_, index) => {
    const side = index < left ? -1 : 1;
    const rows = side < 0 ? left : peers.length - left;
    const y = hub.y + ((side < 0 ? index : index - left) - (rows - 1) / 2) * ROW;
    const from = hub.x + (side * HUB.width) / 2;
    const x = from + side * reach;
    const bend = round((from + x) / 2);
    return { shape: "row", x, y, gap, line: `M${from} ${hub.y}C${bend} ${hub.y} ${bend} ${y} ${x} ${y}`, side };
  });
  return { height, hub, places };
}

function below(peers, width) {
  const hub = { x: HUB.width / 2 + EDGE, y: HUB.height / 2 + EDGE };
  const gap = words(peers);
  const stem = EDGE + 12;
  const top = HUB.height + 2 * EDGE;
  const places = peers.map((_, index) => {
    const y = top + EDGE + index * ROW;
    const x = stem + 26;
    return { shape: "row", x, y, gap, line: `M${stem} ${HUB.height + EDGE}V${y - 8}q0 8 8 8H${x}`, side: 1 };
  });
  return { height: top + peers.length * ROW + EDGE, hub, places };
}

/** Those that aren't well in rows, as far as there is room; all others as bars. */
function walled(peers, width) {
  const sick = peers.findIndex((peer) => peer.condition === "well");
  const out = Math.min(sick < 0 ? peers.length : sick, PULLED_OUT);
  const above = beside(peers.slice(0, out), width);
  const x = EDGE;
  const y = above.height + 46;
  const columns = Math.floor((width - 2 * EDGE + BAR.gap) / (BAR.width + BAR.gap));
  const bars = peers.slice(out).map((_, index) => ({
    shape: "bar",
    x: x + (index % columns) * (BAR.width + BAR.gap),
    y: y + Math.floor(index / columns) * (BAR.height + BAR.gap),
  }));
  const high = Math.ceil(bars.length / columns) * (BAR.height + BAR.gap);
  const narrow = width < WIDE;
  const trunk = narrow
    ? `M${EDGE + 12} ${HUB.height + EDGE}V${y - 10}`
    : `M${above.hub.x} ${above.hub.y + HUB.height / 2}V${y - 30}`;
  const wall = { x, y, trunk, words: { x: narrow ? EDGE + 22 : width / 2, y: y - 14, middle: !narrow } };
  return { height: y + high + EDGE, hub: above.hub, places: [...above.places, ...bars], wall };
}

function round(number) {
  return Math.round(number * 10) / 10;
}
