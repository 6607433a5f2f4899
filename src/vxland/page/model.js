/** The status as the page looks at it: what condition each tunnel is in, and how busy it is. */

import { compareNames } from "./format.js";

/** From worst to best; their place is how they are sorted. */
export const CONDITIONS = ["broken", "waiting", "warned", "well"];

/**
 * @typedef {object} Tunnel
 * @property {string} key
 * @property {string} overlay
 * @property {string} peer
 * @property {"broken"|"waiting"|"warned"|"well"} condition
 * @property {string} label its condition in a word or two
 * @property {{in: number|null, out: number|null}} rate bytes a second
 * @property {object[]} problems those that name it, hints left out
 */

/** What the page shows of one answer. */
export class Model {
  /** @param {object} status @param {object[]} events @param {Rates} rates */
  constructor(status, events, rates) {
    this.status = status;
    this.events = events;
    this.problems = status.problems.filter((problem) => problem.kind !== "hint");
    this.hints = status.problems.filter((problem) => problem.kind === "hint");
    const named = byPlace(this.problems);
    this.overlays = status.overlays.map((overlay) => ({ ...overlay, key: overlay.name }));
    this.tunnels = status.overlays.flatMap((overlay) => [
      ...overlay.tunnels.map((tunnel) => readTunnel(overlay, tunnel, named, rates)),
      ...unlaid(overlay).map((peer) => readWaiting(overlay, peer, named)),
    ]);
    this.tunnels.sort(compareTunnels);
    rates.forget(new Set(this.tunnels.map((tunnel) => tunnel.key)));
  }

  /** Tunnels in this condition. */
  in(condition) {
    return this.tunnels.filter((tunnel) => tunnel.condition === condition);
  }
}

/** Worst first, then by overlay and peer. */
export function compareTunnels(one, other) {
  return (
    CONDITIONS.indexOf(one.condition) - CONDITIONS.indexOf(other.condition) ||
    compareNames(one.overlay, other.overlay) ||
    compareNames(one.peer, other.peer)
  );
}

/** Bytes a second, from the counters of two answers. */
export class Rates {
  #last = new Map();

  /** The time of the answer that is about to be read, by a steady clock. */
  at = 0;

  /** How fast a tunnel's counters move; null while only one value is known, or they began anew. */
  of(key, traffic) {
    const before = this.#last.get(key);
    if (!traffic) {
      this.#last.delete(key);
      return { in: null, out: null };
    }
    const value = { in: traffic.receive_bytes, out: traffic.transmit_bytes, at: this.at };
    this.#last.set(key, value);
    const seconds = before ? value.at - before.at : 0;
    const moved = (which) => {
      const bytes = seconds > 0 ? value[which] - before[which] : -1;
      return bytes < 0 ? null : bytes / seconds;
    };
    return { in: moved("in"), out: moved("out") };
  }

  /** Keeps these tunnels only. */
  forget(kept) {
    for (const key of this.#last.keys()) if (!kept.has(key)) this.#last.delete(key);
  }
}

/** Peers, each with its tunnels in all the overlays given: a line each in the picture. */
export function readPeers(tunnels) {
  const peers = new Map();
  for (const tunnel of tunnels) {
    const peer = peers.get(tunnel.peer);
    if (peer) peer.tunnels.push(tunnel);
    else peers.set(tunnel.peer, { key: tunnel.peer, tunnels: [tunnel] });
  }
  return [...peers.values()].map(readPeer);
}

function readPeer({ key, tunnels }) {
  const [worst] = tunnels; // they come sorted
  const alike = tunnels.filter((tunnel) => tunnel.condition === worst.condition);
  const partly = alike.length < tunnels.length ? ` in ${alike.map((t) => t.overlay).join(", ")}` : "";
  return {
    key,
    tunnels,
    condition: worst.condition,
    label: worst.label + partly,
    address: tunnels.map((tunnel) => tunnel.address).find(Boolean) ?? "",
    host: tunnels.map((tunnel) => tunnel.host).find(Boolean) ?? "",
    rate: { in: total(tunnels, "in"), out: total(tunnels, "out") },
  };
}

/** What they receive or send together; null where nothing is known. */
export function total(tunnels, which) {
  const known = tunnels.map((tunnel) => tunnel.rate[which]).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** What problems and tunnels are matched by. */
function place(overlay, peer) {
  return JSON.stringify([overlay, peer]);
}

function byPlace(problems) {
  const named = new Map();
  for (const problem of problems) {
    if (!problem.peer) continue;
    const key = place(problem.overlay, problem.peer);
    named.set(key, [...(named.get(key) ?? []), problem]);
  }
  return named;
}

function readTunnel(overlay, tunnel, named, rates) {
  const key = place(overlay.name, tunnel.peer);
  return {
    ...tunnel,
    key,
    overlay: overlay.name,
    ...condition(tunnel),
    rate: rates.of(key, tunnel.traffic),
    problems: named.get(key) ?? [],
  };
}

function condition(tunnel) {
  if (tunnel.state !== "up") return { condition: "broken", label: tunnel.state };
  if (!tunnel.in_sync) return { condition: "broken", label: "out of sync" };
  if (tunnel.running === false) return { condition: "warned", label: "not running" };
  return { condition: "well", label: "up" };
}

/** Peers whose tunnels can't be laid out yet, and aren't there from earlier. */
function unlaid(overlay) {
  const there = new Set(overlay.tunnels.map((tunnel) => tunnel.peer));
  return (overlay.waiting ?? []).filter((peer) => !there.has(peer));
}

/** A tunnel that can't be laid out yet: all that is known is the peer. */
function readWaiting(overlay, peer, named) {
  const key = place(overlay.name, peer);
  const problems = named.get(key) ?? [];
  return {
    key,
    overlay: overlay.name,
    peer,
    condition: "waiting",
    label: "waiting",
    since: problems.map((problem) => problem.since).find(Boolean) ?? null,
    rate: { in: null, out: null },
    problems,
    address: "",
    host: null,
    device: "",
    vni: null,
    mtu: null,
    traffic: null,
    learned_macs: null,
    last_repair: null,
    pending: [],
  };
}
