"""Who fights with vxland, as experience has it, and how each of them is told to let go."""

from shlex import quote

from vxland.fights import Fight
from vxland.identity import RULE_SETS
from vxland.problems import Kind, Problem

STOP = "Stop what does it, or take the device out of vxland's configuration"
# Where nobody was seen: when it happens tells what to look for; rules name who changes them.
FIND = (
    "See when it happens: {monitor}. See if it is known who did it before:"
    " journalctl -u vxland VXLAND_KIND=fight"
)
MONITOR_DEVICES, MONITOR_RULES = "ip -ts monitor link", "nft monitor"

# By what a process's name begins with: the kernel keeps 15 characters of it.
CURES = {
    "NetworkManager": "nmcli device set {device} managed no. For good: a file in"
    " /etc/NetworkManager/conf.d with [device-mesh], match-device=interface-name:{device} and"
    " managed=0, then nmcli general reload conf",
    "systemd-network": "See which file matches: networkctl status {device}. Make it narrower, or"
    " write one that sorts before it, with [Match] Name={device} and [Link] Unmanaged=yes, then"
    " networkctl reload",
    "firewalld": "Take out what it does to bridges: firewall-cmd --permanent --direct"
    " --get-all-rules (those of eb), --remove-rule, --reload. Or guard by the port flag alone:"
    ' guard = ["isolated"]',
    "dockerd": "See which network uses the bridge: docker network ls, docker network inspect"
    " NETWORK (com.docker.network.bridge.name), docker network rm NETWORK",
    "libvirtd": "See which network has the bridge: virsh net-list --all, virsh net-dumpxml NETWORK;"
    " then virsh net-destroy NETWORK and virsh net-undefine NETWORK",
}


def fight_problem(fight: Fight, culprit: str | None) -> Problem:
    """A fight, who is likely at the other end, and what ends it."""
    device, attribute = fight.subject
    who = f", likely {culprit}" if culprit else ""
    return Problem(
        Kind.FIGHT,
        f"something{who} keeps changing {attribute} of {device}, which is put right ever more"
        " rarely",
        _cure(culprit, device),
        device=device,
    )


def _cure(culprit: str | None, device: str) -> str:
    """What ends the fight over this device with a culprit like ``ip (pid 12)``."""
    if culprit is None:
        monitor = MONITOR_RULES if device in RULE_SETS else MONITOR_DEVICES
        return f"{FIND.format(monitor=monitor)}. {STOP}"
    name, _, process = culprit.rstrip(")").rpartition(" (pid ")
    for known, way in CURES.items():
        if name.startswith(known) and (device not in RULE_SETS or "{device}" not in way):
            return way.format(device=quote(device))
    return f"See what it is: ps -fp {process}. {STOP}"
