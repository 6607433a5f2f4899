/** Numbers and times as a person reads them. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NONE = "–";
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Three digits and a unit: 1.23 k, 45.6 M, 789. */
function scaled(value, unit) {
  let prefix = "";
  for (const next of ["k", "M", "G", "T", "P"]) {
    if (value < 999.5) break;
    value /= 1000;
    prefix = next;
  }
  const digits = prefix === "" || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${prefix}${unit}`;
}

/** Bytes a second, told in bits as links are; null is not known. */
export function rate(bytes) {
  return bytes === null ? NONE : scaled(bytes * 8, "bit/s");
}

/** The same where there is little room: 1.2M. */
export function briefly(bytes) {
  return bytes === null ? NONE : scaled(bytes * 8, "").replace(" ", "");
}

/** An amount of bytes. */
export function amount(bytes) {
  return scaled(bytes, "B");
}

/** A number with its thousands apart. */
export function count(number) {
  return number === null || number === undefined ? NONE : number.toLocaleString("en");
}

/** "1 tunnel", "12 tunnels". */
export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** How long something took: 6 ms, 1.2 s, 3 min. */
export function duration(seconds) {
  if (seconds < 0.0095) return `${(seconds * 1000).toPrecision(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : span(seconds);
}

/** How long something lasts already, in one or two units. */
export function span(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  if (seconds < MINUTE) return `${seconds} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) {
    const minutes = Math.floor((seconds % HOUR) / MINUTE);
    return `${Math.floor(seconds / HOUR)} h${minutes > 0 ? ` ${minutes} min` : ""}`;
  }
  const days = Math.floor(seconds / DAY);
  return `${days} day${days === 1 ? "" : "s"}`;
}

/** The time of day, and the day too where it isn't today's. */
export function clock(at, now) {
  const then = new Date(at * 1000);
  const time = [then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":");
  const today = then.toDateString() === new Date(now * 1000).toDateString();
  return today ? time : `${then.getDate()} ${MONTHS[then.getMonth()]} ${time}`;
}

/** Date, time and zone, to be compared with a log. */
export function exact(at) {
  const then = new Date(at * 1000);
  const day = [then.getFullYear(), two(then.getMonth() + 1), two(then.getDate())].join("-");
  const minutes = -then.getTimezoneOffset();
  const zone = `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${day} ${[then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":")} ${zone}`;
}

/** An address, with the host name that it was found by; "" where there is none yet. */
export function addressed({ address, host }) {
  return host && address ? `${address} (${host})` : address;
}

/** Cuts a name that is too long for its place. */
export function shortened(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** How busy a tunnel is, from 0 to 7: each step is ten times the one before it, from 1 kbit/s on. */
export function level(bytes) {
  const bits = (bytes ?? 0) * 8;
  return bits < 1000 ? 0 : Math.min(7, Math.floor(Math.log10(bits)) - 2);
}

const collator = new Intl.Collator("en", { numeric: true });

/** Compares names so that lxd2 comes before lxd10. */
export function compareNames(one, other) {
  return collator.compare(one, other);
}

function two(number) {
  return String(number).padStart(2, "0");
}
