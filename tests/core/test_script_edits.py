"""However people have edited the variables of their vxlansetup.sh, it means what bash would do."""

from dataclasses import dataclass

import pytest

from tests.core.edited_scripts import LIST, LOCAL, PLAIN, REMOTES, edited, read
from tests.scripts.vxlansetup import script, variables

SAME = {  # what REMOTEIPS can be written as
    "as it is": LIST,
    "quoted": "REMOTEIPS=(\"203.0.113.2\" '198.51.100.3')\n",
    "over lines": "REMOTEIPS=(\n  203.0.113.2\n  198.51.100.3\n)\n",
    "with comments": (
        "REMOTEIPS=( # the others\n"
        "  203.0.113.2 # it's lxd2 (Berlin)\n"
        "# 203.0.113.77\n\n"
        "\t198.51.100.3)  # ) end\n"
    ),
    "continued": "REMOTEIPS=(203.0.113.2 \\\n           198.51.100.3)\n",
    "continued within a word": "REMOTEIPS=(203.0.1\\\n13.2 198.51.100.3)\n",
    "added to": "REMOTEIPS=(203.0.113.2)\nREMOTEIPS+=(198.51.100.3)\n",
    "added to nothing": "REMOTEIPS+=(203.0.113.2)\nREMOTEIPS+=( 198.51.100.3 )\n",
    "by index": "REMOTEIPS[0]=203.0.113.2\nREMOTEIPS[1]='198.51.100.3'\n",
    "by index, backwards": "REMOTEIPS[1]=198.51.100.3\nREMOTEIPS[0]=203.0.113.2\n",
    "index within": "REMOTEIPS=([1]=198.51.100.3 [0]=203.0.113.2)\n",
    "index of a variable": "N=0\nREMOTEIPS=([$N]=203.0.113.2 198.51.100.3)\n",
    "one corrected": "REMOTEIPS=(203.0.113.2 198.51.100.77)\nREMOTEIPS[1]=198.51.100.3\n",
    "first corrected": "REMOTEIPS=(203.0.113.77 198.51.100.3)\nREMOTEIPS=203.0.113.2\n",
    "declared": "declare -a REMOTEIPS\nREMOTEIPS=(203.0.113.2 198.51.100.3)\n",
    "declared and set": "declare -a REMOTEIPS=(203.0.113.2 198.51.100.3)\n",
    "declared, filled later": "declare -a REMOTEIPS\nREMOTEIPS+=(203.0.113.2 198.51.100.3)\n",
    "read-only": "readonly -a REMOTEIPS=(203.0.113.2 198.51.100.3)\n",
    "a variable in it": "NET=203.0.113\nREMOTEIPS=($NET.2 198.51.100.3)\n",
    "a variable in braces": "NET=203.0.113.\nREMOTEIPS=(${NET}2 '198.51.100.'3)\n",
    "a quoted variable": 'A="203.0.113.2" B=198.51.100.3\nREMOTEIPS=("$A" "${B}")\n',
    "a list split": 'ALL="203.0.113.2 198.51.100.3"\nREMOTEIPS=($ALL)\n',
    "another array": 'ALL=(203.0.113.2 198.51.100.3)\nREMOTEIPS=("${ALL[@]}")\n',
    "another array, unquoted": "ALL=(203.0.113.2 198.51.100.3)\nREMOTEIPS=(${ALL[*]})\n",
    "elements of another": (
        "ALL=(203.0.113.1 203.0.113.2 198.51.100.3)\nREMOTEIPS=(${ALL[1]} ${ALL[2]})\n"
    ),
    "braces": "REMOTEIPS=({203.0.113.2,198.51.100.3})\n",
    "braces with numbers": "REMOTEIPS=(203.0.113.{2..2} 198.51.100.{3..3})\n",
    "dollar quotes": "REMOTEIPS=($'203.0.113.2' $'198.51.100.\\x33')\n",
    "translated": 'REMOTEIPS=($"203.0.113.2" 198.51.100.3)\n',
    "a default": "REMOTEIPS=(${FIRST:-203.0.113.2} ${SECOND-198.51.100.3})\n",
    "an empty one's default": "X=\nREMOTEIPS=(${X:-203.0.113.2} 198.51.100.3)\n",
    "a quoted default": 'REMOTEIPS=("${A:-203.0.113.2}" "${B-"198.51.100.3"}")\n',
    "a default that stays": "REMOTEIPS=(${A:=203.0.113.2} 198.51.100.3)\n",
    "a comment that isn't continued": f"# these: \\\n{LIST}",
    "twice": f"REMOTEIPS=(192.0.2.7)\n{LIST}",
    "in a group": "{ REMOTEIPS=(203.0.113.2 198.51.100.3); }\n",
    "with semicolons": "A=1; REMOTEIPS=(203.0.113.2 198.51.100.3);B=2\n",
    "after what can't be known": f"HOST=$(hostname)\nREMOTEIPS=$HOST\nunset REMOTEIPS\n{LIST}",
    "after a file": f". /etc/default/lan\n{PLAIN}",
    "beside a harmless file": f". /lib/lsb/init-functions\n{LIST}",
    "beside tests": f'[ -n "$LOCALIP" ] || exit 1\nset -e\n{LIST}echo $REMOTEIPS\n',
    "beside loops": f"for i in 1 2; do x=$i; done\n{LIST}while read y; do z=$y; done </dev/null\n",
    "beside a text": f"cat <<END\nREMOTEIPS=(1 2)\nEND\n{LIST}",
    "beside a process": f"(REMOTEIPS=(1 2))\n{LIST}echo x | read REMOTEIPS\nX=$(REMOTEIPS=4)\n",
    "beside a case": f'case "$1" in -v) VERBOSE=1 ;; esac\n{LIST}',
    "with another case": "REMOTEIPS=(203.0.113.2 198.51.100.3)\nremoteips=(x)\n",
}


@pytest.mark.parametrize("instead", SAME.values(), ids=SAME)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["", "CRLF"])
def test_the_remotes_are_found(instead: str, ends: str) -> None:
    """In their order."""
    found = read(edited(LIST, instead).replace("\n", ends))
    assert found.remotes == REMOTES
    assert (found.local, found.bridge, found.port) == (LOCAL, "vxbr0", 4789)
    assert (found.device, found.prefix) == ("eth0", "vxlan")


OTHERS = {  # line, what is in its place, and what is found then
    "a port": ("PORT=4789", "PORT=8472", "port", 8472),
    "a port's default": ("PORT=4789", "PORT=${PORT:-8472}", "port", 8472),
    "a port assigned by :": ("PORT=4789", ': "${PORT:=8472}"', "port", 8472),
    "a port exported": ("PORT=4789", "export PORT=8472 OTHER=1", "port", 8472),
    "a port as a number": ("PORT=4789", "declare -i PORT=8472", "port", 8472),
    "a port added to": ("PORT=4789", "PORT=84\nPORT+=72", "port", 8472),
    "a port in front of a command": ("PORT=4789", "PORT=8472 X=1\nfalse", "port", 8472),
    "a port first of all": ("PORT=4789", "PORT=8472 && true", "port", 8472),
    "a bridge": ("BRIDGE_DEV=vxbr0", 'BRIDGE_DEV="lan"', "bridge", "lan"),
    "a bridge of parts": ("BRIDGE_DEV=vxbr0", "N=7;BRIDGE_DEV=br-\"${N}\"'a'", "bridge", "br-7a"),
    "a bridge of bridges": ("BRIDGE_DEV=vxbr0", "B=(br0 br1)\nBRIDGE_DEV=$B", "bridge", "br0"),
    "a bridge of all": ("BRIDGE_DEV=vxbr0", "B=(b r)\nBRIDGE_DEV=${B[1]}${B}", "bridge", "rb"),
    "a prefix": ("VXLAN_DEV=vxlan", "VXLAN_DEV=tun", "prefix", "tun"),
    "no prefix": ("VXLAN_DEV=vxlan", "", "prefix", None),
    "a device": ("LOCAL_DEV=eth0", "LOCAL_DEV=ens3 # the first", "device", "ens3"),
    "a device that is asked for": (
        "LOCAL_DEV=eth0",
        "LOCAL_DEV=$(ip route show default | awk '{print $5}')",
        "device",
        None,
    ),
    "no device": ("LOCAL_DEV=eth0", "LOCAL_DEV='my device'", "device", None),
    "an address": (f"LOCALIP={LOCAL}", "ME=7\nLOCALIP=203.0.113.$ME", "local", "203.0.113.7"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_values_are_found(other: tuple[str, str, str, str | int | None]) -> None:
    line, instead, name, expected = other
    assert getattr(read(edited(line, instead)), name) == expected


def test_addresses_are_written_alike() -> None:
    """However they are in the script, so that names made of them are the same everywhere."""
    found = read(script(variables("2001:DB8:0::1", ["2001:0db8::2", "LXD3.Example.COM"])))
    assert found.local == "2001:db8::1"
    assert found.remotes == ("2001:db8::2", "lxd3.example.com")


def test_the_variables_alone_are_enough() -> None:
    assert read(PLAIN).remotes == REMOTES


def test_what_is_used_counts() -> None:
    """Not what is assigned later; which is told."""
    found = read(script(PLAIN) + "PORT=5\nLOCALIP=192.0.2.1\nPORT=4789\n")
    assert (found.local, found.port) == (LOCAL, 4789)
    assert [what for _, what in found.notes if "once more" in what] == [
        "PORT is assigned once more after it was used: that doesn't count here",
        "LOCALIP is assigned once more after it was used: that doesn't count here",
    ]


def test_defaults_are_told_of() -> None:
    """Those that count, directly or not."""
    text = edited("PORT=4789", "BASE=${BASE:-47}\nPORT=${BASE}89\nDRYRUN=${DRYRUN:-no}")
    assert read(text).notes == ((7, "BASE may come from the environment: here its default counts"),)


@dataclass(frozen=True)
class Added:
    """A line that people add, and what is said to it."""

    line: str
    note: str


ADDED = (
    Added("ip link add a type vxlan id $i ttl 64", 'makes devices with "ttl": write ttl in'),
    Added("ip link add a type vxlan id $i nolearning", 'with "nolearning": write learning = false'),
    Added("ip link set vxlan0 mtu 1400", "sets an MTU: write it as mtu in [[overlay]]"),
    Added("ip addr add 10.1.1.1/24 dev vxbr0", "adds an address: those on the bridge are"),
    Added("brctl stp vxbr0 on", "sets something of the bridge"),
    Added("iptables -I INPUT -p udp --dport 4789 -j ACCEPT", "changes the firewall"),
    Added("bridge fdb append to 00:00:00:00:00:00 dst 1.2.3.4 dev vxlan0", "changes forwarding"),
)


@pytest.mark.parametrize("added", ADDED, ids=lambda added: added.line)
def test_what_people_add_is_noted(added: Added) -> None:
    """Unless it is only a comment."""
    ((line, what),) = read(edited("DRYRUN=no", added.line)).notes
    assert line == 8
    assert added.note in what
    assert read(edited("DRYRUN=no", f"  # {added.line}")).notes == ()


def test_what_cannot_be_known_and_need_not_is_noted() -> None:
    text = edited("LOCAL_DEV=eth0\n", "LOCAL_DEV=$(x)\n").replace("vxlan\n", "a/b\n", 1)
    assert read(text).notes == (
        (4, "LOCAL_DEV isn't known: this is the output of a command, which isn't run"),
        (6, "VXLAN_DEV isn't a device's name"),
    )
