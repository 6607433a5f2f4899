/** Commands within a sentence, such as "Set it up: ip link set br0 up". */

const OWN = "vxland (?:run|check|plan|apply|reload|down|status|events|doctor)(?: --[\\w-]+)*";
const LOOP = "for port in [^;]+; do [^;]+; done";
const PROGRAMS = [
  "ip|bridge|ethtool|tc|ss|ping|tcpdump|nmcli|networkctl|ovs-vsctl|brctl",
  "ebtables|iptables|ip6tables|nft|sysctl|modprobe|ps|kill|chmod|chown",
  "systemctl|journalctl|docker|podman|incus|lxc|virsh|apt|curl",
].join("|");
const BEFORE = "(^|[:,;.?] |\\(|\\b(?:with|run|by|say) )";
const START = new RegExp(`${BEFORE}(?=(${OWN}|${LOOP})|(?:${PROGRAMS})(?: |$))`, "g");
const END = /\.? \(|, (?:or|and|then|which) |[.;] |[.;]?$/;

/**
 * Takes a text apart into prose and commands; what stands between backquotes is a command too.
 * @param {string} text
 * @returns {{text: string, command: boolean}[]}
 */
export function apart(text) {
  const parts = [];
  text.split("`").forEach((piece, index, all) => {
    if (index % 2 === 1 && index < all.length - 1) parts.push({ text: piece, command: true });
    else parts.push(...inProse(index % 2 === 1 ? `\`${piece}` : piece));
  });
  return parts.filter((part) => part.text !== "");
}

function inProse(text) {
  const parts = [];
  let done = 0;
  START.lastIndex = 0;
  for (let found = START.exec(text); found !== null; found = START.exec(text)) {
    const from = found.index + found[0].length;
    const to = found[2] ? from + found[2].length : ending(text, from, found[1] === "(");
    parts.push({ text: text.slice(done, from), command: false });
    parts.push({ text: text.slice(from, to), command: true });
    done = to;
    START.lastIndex = to;
  }
  return [...parts, { text: text.slice(done), command: false }];
}

/** Where a command ends that began at `from`: with the sentence, or the parenthesis around it. */
function ending(text, from, within) {
  const end = from + text.slice(from).search(END);
  if (!within) return end;
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    if (text[at] === ")") depth -= 1;
    if (depth === 0) return at;
  }
  return end;
}
