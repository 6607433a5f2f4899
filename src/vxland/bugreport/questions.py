"""What is asked for a bug report: one line a question, with the file that its answer goes into."""

from msgspec import Struct


class Question(Struct, frozen=True):
    """A program to run. The word ``vxland`` stands for this one, with the same configuration."""

    file: str
    about: str
    command: tuple[str, ...]
    expected: frozenset[str] = frozenset()  # troubles that are answers


def _asked(file: str, about: str, command: str, *expected: int) -> Question:
    statuses = frozenset(f"exit status {status}" for status in expected)
    return Question(file, about, tuple(command.split()), statuses)


JOURNAL_LINES = 2000
UNIT = "vxland.service"
# Of the firewall, what concerns bridged frames and vxland's own tables; of the others the names.
SWITCHES = (
    r"^net\.(bridge\.|ipv[46]\.(conf\.[^.]+\.(forwarding|rp_filter|disable_ipv6|accept_ra)$"
    r"|ip_forward$|ip_no_pmtu_disc$|fib_multipath_hash_policy$|neigh\.default\.gc_thresh))"
)

QUESTIONS = (  # the kernel first, as it is before anything else happens
    _asked("kernel/link.txt", "devices", "ip -d -s link show"),
    _asked("kernel/address.txt", "addresses", "ip -d address show"),
    _asked("kernel/route.txt", "routes", "ip -d route show table all"),
    _asked("kernel/rule.txt", "routing rules", "ip rule show"),
    _asked("kernel/rule6.txt", "routing rules for IPv6", "ip -6 rule show"),
    _asked("kernel/neighbour.txt", "neighbours", "ip -s neigh show"),
    _asked("kernel/bridge-link.txt", "ports of bridges", "bridge -d -s link show"),
    _asked("kernel/bridge-fdb.txt", "forwarding entries", "bridge -d -s fdb show"),
    _asked("kernel/bridge-vlan.txt", "VLANs of ports", "bridge -d -c vlan show", 1),
    _asked("kernel/ebtables.txt", "rules of ebtables", "ebtables-save"),
    _asked("kernel/nft-bridge.txt", "nftables, bridge family", "nft list ruleset bridge"),
    _asked("kernel/nft-vxland.txt", "vxland's table that counts", "nft list table inet vxland", 1),
    _asked("kernel/nft-tables.txt", "names of nftables' tables", "nft list tables"),
    _asked("kernel/sockets.txt", "UDP sockets", "ss -uan"),
    _asked("kernel/sysctl.txt", "switches", f"sysctl -a --pattern {SWITCHES}"),
    _asked("kernel/modules.txt", "modules", "lsmod"),
    _asked("kernel/snmp.txt", "counters of IP and UDP", "cat /proc/net/snmp /proc/net/snmp6"),
    _asked("system/kernel.txt", "the kernel", "uname -srvm"),
    _asked("system/release.txt", "the distribution", "cat /etc/os-release"),
    _asked("system/iproute2.txt", "version of iproute2", "ip -V"),
    _asked("system/ebtables.txt", "version of ebtables", "ebtables --version"),
    _asked("system/nftables.txt", "version of nftables", "nft --version"),
    _asked("system/systemd.txt", "version of systemd", "systemctl --version"),
    _asked("system/container.txt", "what it runs in", "systemd-detect-virt", 1),
    _asked("service/status.txt", "the service", f"systemctl status --no-pager -l -n0 {UNIT}", 3),
    _asked("service/unit.txt", "its unit, with drop-ins", f"systemctl cat --no-pager {UNIT}"),
    _asked(
        "service/journal.txt",
        f"its journal, the last {JOURNAL_LINES} lines",
        f"journalctl --no-pager -q -o short-iso-precise -n {JOURNAL_LINES} -u {UNIT}",
    ),
    _asked("vxland/check.txt", "whether the configuration is valid", "vxland check", 1),
    _asked("vxland/status.json", "the status", "vxland status --json", 2, 3),
    _asked("vxland/events.json", "what happened lately", "vxland events --json", 3),
    _asked("vxland/doctor.txt", "what the doctor finds", "vxland doctor", 2),
    _asked("vxland/plan.txt", "what would change", "vxland plan", 2),
    _asked("vxland/plan-commands.txt", "the same as commands", "vxland plan --commands", 2),
)


def offloads(device: str) -> Question:
    """What an underlay device does of the packets' work."""
    return _asked(f"kernel/ethtool-{device}.txt", f"offloads of {device}", f"ethtool -k {device}")
