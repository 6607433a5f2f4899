"""What is done to a server by hand, or by some other program: one shell line each.

In the lines, $T is a tunnel's device, $OTHER another tunnel's, $PEER the address of its peer, $B
the bridge; "elsewhere" is another network namespace, "brother0" somebody else's bridge.
"""

from dataclasses import dataclass

FLOOD = "00:00:00:00:00:00"
SYSFS = "unshare -m sh -c 'mount -t sysfs none /sys && echo 0 > /sys/class/net/$T/brport/isolated'"


@dataclass(frozen=True)
class Vandalism:
    """One deed. What isn't made anew must be mended in place, with the interface index it had."""

    line: str
    remade: frozenset[str] = frozenset()  # of $T, $OTHER, $B
    unmarks: str = ""  # which of a device's two marks it takes: one that lost both is given up

    def script(self, **names: str) -> str:
        """The line for these devices."""
        return "".join(f"{name}={value}; export {name}\n" for name, value in names.items()) + (
            self.line
        )


T, OTHER, B = "$T", "$OTHER", "$B"
TUNNEL = frozenset({T})

TO_A_TUNNEL: dict[str, Vandalism] = {
    "deleted": Vandalism("ip link del $T", TUNNEL),
    "set down": Vandalism("ip link set $T down"),
    "taken out of the bridge": Vandalism("ip link set $T nomaster"),
    "moved to another bridge": Vandalism("ip link set $T master brother0"),
    "renamed while down": Vandalism(
        "ip link set $T down && ip link set $T name stolen0 && ip link set stolen0 up"
    ),
    "renamed while up": Vandalism("ip link set $T name stolen1"),
    "renamed like another tunnel": Vandalism("ip link set $T name vxl-lan-lxd9"),
    "names exchanged": Vandalism(
        "ip link set $T name third0 && ip link set $OTHER name $T"
        " && ip link set third0 name $OTHER",
        frozenset({T, OTHER}),
    ),
    "port flags": Vandalism("bridge link set dev $T flood off learning off hairpin on"),
    "isolation cleared by bridge": Vandalism("bridge link set dev $T isolated off"),
    "isolation cleared by ip": Vandalism("ip link set $T type bridge_slave isolated off"),
    "isolation cleared by sysfs": Vandalism(SYSFS),
    "MTU": Vandalism("ip link set $T mtu 1300"),
    "MAC": Vandalism("ip link set $T address 02:00:00:00:00:99"),
    "remote": Vandalism("ip link set $T type vxlan remote 192.0.2.77"),
    "remote of another tunnel": Vandalism("ip link set $T type vxlan remote 192.0.2.4"),
    "local": Vandalism("ip link set $T type vxlan local 192.0.2.78"),
    "ttl": Vandalism("ip link set $T type vxlan ttl 3"),
    "tos": Vandalism("ip link set $T type vxlan tos 0x10"),
    "tos inherited": Vandalism("ip link set $T type vxlan tos inherit"),
    "df": Vandalism("ip link set $T type vxlan df set"),
    "ageing": Vandalism("ip link set $T type vxlan ageing 7"),
    "learning": Vandalism("ip link set $T type vxlan learning"),
    "default flood entry deleted": Vandalism(f"bridge fdb del {FLOOD} dev $T dst $PEER"),
    "all flood entries deleted": Vandalism(f"bridge fdb del {FLOOD} dev $T"),
    "flood entry added": Vandalism(f"bridge fdb append {FLOOD} dev $T dst 192.0.2.99"),
    "flood entries of all sorts added": Vandalism(
        f"bridge fdb append {FLOOD} dev $T dst 192.0.2.99 port 4999"
        f" && bridge fdb append {FLOOD} dev $T dst $PEER vni 5"
        f" && bridge fdb append {FLOOD} dev $T dst 192.0.2.99 via eth0"
        f" && bridge fdb append {FLOOD} dev $T dst $PEER port 4998 vni 6 via eth0"
    ),
    "flood entry exchanged": Vandalism(
        f"bridge fdb append {FLOOD} dev $T dst 192.0.2.98"
        f" && bridge fdb del {FLOOD} dev $T dst $PEER"
    ),
    "static unicast entry added": Vandalism(
        "bridge fdb add 02:00:00:00:00:51 dev $T dst 192.0.2.97"
        " && bridge fdb append 02:00:00:00:00:52 dev $T dst $PEER static"
    ),
    "alias removed": Vandalism("ip link set $T alias ''", unmarks="alias"),
    "alias exchanged": Vandalism("ip link set $T alias 'just a name'", unmarks="alias"),
    "altname removed": Vandalism(
        'ip link property del dev $T altname "vxland-lan+${T#vxl-lan-}"', unmarks="altname"
    ),
    "altname of vxland's added": Vandalism("ip link property add dev $T altname vxland-lan+nobody"),
    "marked as nobody's": Vandalism("ip link set $T alias vxland:lan:nobody", TUNNEL),
    "moved to another namespace": Vandalism("ip link set $T netns elsewhere", TUNNEL),
    "moved and renamed": Vandalism(
        "ip link set $T netns elsewhere && ip -n elsewhere link set $T name stolen2", TUNNEL
    ),
    "MAC changed and moved": Vandalism(
        "ip link set $T address 02:00:00:00:00:95 && ip link set $T netns elsewhere", TUNNEL
    ),
    "moved without its alias": Vandalism(
        "ip link set $T alias '' && ip link set $T netns elsewhere", TUNNEL, unmarks="alias"
    ),
    "IPv6 link-local mode": Vandalism("ip link set $T addrgenmode eui64"),
    "IPv6 link-local address": Vandalism(
        "ip link set $T addrgenmode eui64 && ip link set $T down && ip link set $T up"
    ),
    "made anew with another VNI": Vandalism(
        "ip link del $T && ip link add $T type vxlan id 1234 remote $PEER dstport 4789"
        " && ip link set $T alias vxland:lan:${T#vxl-lan-} && ip link set $T master $B up",
        TUNNEL,
    ),
    "bound to a device that leads elsewhere": Vandalism(
        "ip link set $T down && ip link set $T type vxlan dev brother0", TUNNEL
    ),
    "all at once": Vandalism(
        "ip link set $T down nomaster mtu 1400 address 02:00:00:00:00:98"
        " && ip link set $T type vxlan remote 192.0.2.77 local 192.0.2.78 ttl 3 learning ageing 7"
        f" && bridge fdb append {FLOOD} dev $T dst 192.0.2.96 && ip link set $T alias ''"
        " && ip link set $T addrgenmode random name stolen3 up"
    ),
}

TO_THE_BRIDGE: dict[str, Vandalism] = {
    "deleted": Vandalism("ip link del $B", frozenset({B})),
    "set down": Vandalism("ip link set $B down"),
    "MTU": Vandalism("ip link set $B mtu 1280"),
    "MAC": Vandalism("ip link set $B address 02:00:00:00:00:97"),
    "alias": Vandalism("ip link set $B alias mine", unmarks="alias"),
    "altname": Vandalism("ip link property del dev $B altname vxland-lan", unmarks="altname"),
    "name": Vandalism("ip link set $B down && ip link set $B name mine0 && ip link set mine0 up"),
    "name while up": Vandalism("ip link set $B name mine1"),
    "address deleted": Vandalism("ip addr del 10.10.10.1/24 dev $B"),
    "every tunnel and the bridge deleted": Vandalism(
        "ip link del $T; ip link del $OTHER; ip link del $B", frozenset({T, OTHER, B})
    ),
}

JUMP = "-i vxl-+ -o vxl-+ -j VXLAND"

# Foreign rules are what the same line leaves of them where there is no vxland.
TO_THE_RULES: dict[str, str] = {
    "everything flushed": "ebtables -F",
    "the chain flushed": "ebtables -F VXLAND",
    "the chain removed": f"ebtables -D FORWARD {JUMP}; ebtables -F VXLAND; ebtables -X VXLAND",
    "all chains removed": "ebtables -F; ebtables -X",
    "table removed": "nft delete table bridge filter",
    "ruleset flushed": "nft flush ruleset",
    "a rule deleted": "ebtables -D VXLAND -i vxl-+ -o vxl-+ -j DROP",
    "another's port no longer let through": "ebtables -D VXLAND -i vxl-guest0 -j RETURN",
    "the jump deleted": f"ebtables -D FORWARD {JUMP}",
    "the jump doubled": f"ebtables -A FORWARD {JUMP}",
    "a jump of every frame": "ebtables -I FORWARD -j VXLAND",
    "a jump of every frame instead": f"ebtables -D FORWARD {JUMP}; ebtables -I FORWARD -j VXLAND",
    "the jump moved to the end": f"ebtables -D FORWARD {JUMP}; ebtables -A FORWARD {JUMP}",
    "a rule before the jump": "ebtables -I FORWARD -p ARP -j ACCEPT",
    "a rule and a chain before the jump": "ebtables -N MINE; ebtables -I FORWARD -i guest0 -j MINE",
    "the chain's policy": "ebtables -P VXLAND ACCEPT",
    "a rule before the drop": "ebtables -I VXLAND -j ACCEPT",
    "a rule after the drop": "ebtables -A VXLAND -p IPv4 -j DROP",
}
