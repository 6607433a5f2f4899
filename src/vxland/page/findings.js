/** What is wrong, one finding for each thing: since when, what vxland did about it, and what to do. */

/**
 * @typedef {object} Finding
 * @property {string} key
 * @property {string} title
 * @property {string} device
 * @property {string[]} [likewise] titles of others that are the same
 * @property {string} label
 * @property {number|null} since
 * @property {string[]} wrong
 * @property {{text: string, at: number}[]} did what vxland did, the last of it
 * @property {string[]} next what it will try
 * @property {string[]} cures
 */

const BEFORE = 600; // seconds: what broke again soon after a repair has to do with it
const SINGLY = 4; // findings that are each told by themselves

/** @param {import("./model.js").Model} model @returns {Finding[]} worst first */
export function findings(model) {
  const sick = model.tunnels.filter((tunnel) => tunnel.condition === "broken" || tunnel.condition === "waiting");
  const told = new Set(sick.flatMap((tunnel) => tunnel.problems));
  return alike([
    ...model.problems.filter((problem) => !told.has(problem)).map((problem) => ofProblem(problem, model)),
    ...sick.map((tunnel) => ofTunnel(tunnel, model)),
    ...model.overlays.filter((overlay) => unexplained(overlay, model)).map((overlay) => ofOverlay(overlay, model)),
    ...ofNode(model),
  ]);
}

/** Of many, those that differ in their names only are one: a thousand say the same. */
function alike(all) {
  if (all.length <= SINGLY) return all;
  const groups = new Map();
  for (const finding of all) {
    const first = groups.get(kin(finding));
    if (first === undefined) groups.set(kin(finding), { ...finding, likewise: [] });
    else {
      first.likewise.push(finding.title);
      const known = [first.since, finding.since].filter((since) => since !== null);
      first.since = known.length > 0 ? Math.min(...known) : null;
    }
  }
  return [...groups.values()];
}

function kin({ overlay, peer, device, label, wrong, did, next, cures: todo }) {
  let text = JSON.stringify([overlay, label, wrong, did.map((deed) => deed.text), next, todo]);
  for (const name of [device, peer].filter(Boolean)) text = text.replaceAll(JSON.stringify(name).slice(1, -1), "\0");
  return text.replace(/\d+/g, "0"); // addresses and VNIs
}

function ofTunnel(tunnel, model) {
  const about = (event) => event.overlay === tunnel.overlay && event.peer === tunnel.peer;
  const texts = tunnel.problems.map((problem) => problem.text);
  return {
    key: `tunnel ${tunnel.key}`,
    title: `${tunnel.overlay} → ${tunnel.peer}`,
    overlay: tunnel.overlay,
    peer: tunnel.peer,
    device: tunnel.device,
    label: tunnel.label,
    condition: tunnel.condition,
    since: tunnel.since,
    wrong: unique(texts.length > 0 ? texts : [plainly(tunnel)]),
    did: deeds(model.events.filter(about), tunnel.last_repair, tunnel.since),
    next: tunnel.pending,
    cures: cures(tunnel.problems),
  };
}

function plainly(tunnel) {
  if (tunnel.state === "missing") return "the device is missing";
  if (tunnel.state === "down") return "the device is down";
  if (tunnel.condition === "waiting") return "the tunnel can't be laid out yet";
  return "the device isn't as it should be";
}

function ofProblem(problem, model) {
  const where = [problem.overlay, problem.peer].filter(Boolean).join(" → ");
  const about = (event) =>
    event.overlay === problem.overlay && event.peer === problem.peer && event.device === problem.device;
  return {
    key: `problem ${JSON.stringify([problem.kind, problem.overlay, problem.peer, problem.device, problem.text])}`,
    title: where || "This server",
    overlay: problem.overlay,
    peer: problem.peer,
    device: problem.device,
    label: problem.kind,
    condition: problem.kind === "waiting" ? "waiting" : "broken",
    since: problem.since,
    wrong: [problem.text],
    did: deeds(model.events.filter(about), null, problem.since),
    next: [],
    cures: cures([problem]),
  };
}

/** Whether an overlay is out of sync by something that neither a problem nor a tunnel of it tells. */
function unexplained(overlay, model) {
  const bridge = overlay.bridge_state !== "up" || overlay.pending.length > 0 || overlay.looping_pairs > 0;
  return bridge && !model.problems.some((problem) => problem.overlay === overlay.name && !problem.peer);
}

function ofOverlay(overlay, model) {
  const wrong = [];
  if (overlay.bridge_state !== "up") wrong.push(`the bridge ${overlay.bridge} is ${overlay.bridge_state}`);
  if (overlay.looping_pairs > 0) wrong.push(`frames could loop between ${overlay.looping_pairs} pairs of ports`);
  if (wrong.length === 0) wrong.push(`the bridge ${overlay.bridge}, or a device for all peers, isn't as it should be`);
  const about = (event) => event.overlay === overlay.name && event.device === overlay.bridge;
  return {
    key: `overlay ${overlay.name}`,
    title: overlay.name,
    overlay: overlay.name,
    device: overlay.bridge,
    label: overlay.bridge_state === "up" ? "out of sync" : overlay.bridge_state,
    condition: "broken",
    since: overlay.since,
    wrong,
    did: deeds(model.events.filter(about), null, overlay.since),
    next: overlay.pending,
    cures: [],
  };
}

function ofNode(model) {
  const { node_pending: next, since } = model.status;
  if (!next || next.length === 0) return [];
  const wrong = ["something that belongs to no overlay isn't as it should be"];
  const told = { title: "This server", device: "", label: "out of sync", condition: "broken" };
  return [{ key: "node", ...told, since, wrong, did: [], next, cures: [] }];
}

/**
 * The last thing that was done about it, and the last that was tried in vain after that.
 * What was done long before isn't about it. Events come oldest first.
 */
function deeds(events, repair, since) {
  const recent = (deed) => since === null || deed.at > since - BEFORE;
  const done = events.findLast((event) => event.kind !== "failed" && event.done && recent(event));
  const failed = events.findLast((event) => event.kind === "failed" && recent(event));
  const did = [];
  if (done && (!repair || done.at >= repair.at - 1)) did.push({ text: done.done, at: done.at });
  else if (repair && recent(repair)) did.push({ text: repair.what, at: repair.at });
  if (failed && !(done && done.at > failed.at)) {
    did.push({ text: `tried${times(failed)}, and failed: ${failed.found || failed.done}`, at: failed.at });
  }
  return did;
}

function times(event) {
  return event.count > 1 ? ` ${event.count} times` : "";
}

function cures(problems) {
  return unique(problems.map((problem) => problem.cure).filter(Boolean));
}

function unique(texts) {
  return [...new Set(texts)];
}
