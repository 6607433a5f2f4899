"""How the page's own modules tell commands, numbers and times."""

import pytest
from playwright.sync_api import Page

from tests.page.conftest import Open

# Texts of vxland's, and the commands in them.
CURES = {
    "Remove it, or give it another name: ip link del vxl-lan-lxd3": ["ip link del vxl-lan-lxd3"],
    "Take it out (ip link set gre0 nomaster), or, if it can't loop, allow it:"
    ' allow_tunnel_ports = ["gre0"] in overlay lan': ["ip link set gre0 nomaster"],
    "Put it back: ip link set veth1 master vxbr0 (or let vxland do it: reattach = true in overlay"
    " lan)": ["ip link set veth1 master vxbr0"],
    "Take them off and run vxland down again, or remove it: ip link del vxbr0": [
        "vxland down",
        "ip link del vxbr0",
    ],
    "Stop what holds it (ss -tlnp 'sport = :9788'), or change listen in [http]": [
        "ss -tlnp 'sport = :9788'"
    ],
    "Write an [[overlay]], or remove what is there: vxland down": ["vxland down"],
    "Look with `cat /proc/net/dev`, or not": ["cat /proc/net/dev"],
    "Say `so": [],
    "Accept it: iptables -I FORWARD -i vxbr0 -o vxbr0 -j ACCEPT; nft insert rule ip6 f FORWARD"
    " iifname vxbr0 oifname vxbr0 accept. Or, if nothing on this machine needs it: sysctl -w"
    " net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0": [
        "iptables -I FORWARD -i vxbr0 -o vxbr0 -j ACCEPT",
        "nft insert rule ip6 f FORWARD iifname vxbr0 oifname vxbr0 accept",
        "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0",
    ],
    "bridge link set dev veth1 isolated off. For good: Incus or LXD: incus config device set"
    ' INSTANCE eth0 security.port_isolation=false. Or guard overlay lan otherwise: guard = ["e"]': [
        "bridge link set dev veth1 isolated off",
        "incus config device set INSTANCE eth0 security.port_isolation=false",
    ],
    "Inside the guest: ip link set eth0 mtu 1450 (or as its interface is called). Then here: ip"
    " link set veth1 mtu 1450. For good: LXD: incus profile device set PROFILE eth0 mtu=1450, or"
    " where the instance has the device itself, incus config device set INSTANCE eth0 mtu=1450 (or"
    " lxc in its place); Docker: docker network create -o com.docker.network.driver.mtu=1450 …"
    " (a new network)": [
        "ip link set eth0 mtu 1450",
        "ip link set veth1 mtu 1450",
        "incus profile device set PROFILE eth0 mtu=1450",
        "incus config device set INSTANCE eth0 mtu=1450",
        "docker network create -o com.docker.network.driver.mtu=1450 …",
    ],
    "Then here: for port in veth1 veth2; do ip link set $port mtu 1450; done. For good: give the"
    " guest an MTU of 1450 where it is configured": [
        "for port in veth1 veth2; do ip link set $port mtu 1450; done",
    ],
    "ip link set incusbr0 mtu 1450. For good: incus network set incusbr0 bridge.mtu=1450 (or lxc in"
    " its place)": [
        "ip link set incusbr0 mtu 1450",
        "incus network set incusbr0 bridge.mtu=1450",
    ],
    "for port in veth1 veth2; do bridge link set dev $port isolated off; done. Or guard overlay lan"
    ' otherwise: guard = ["e"]': [
        "for port in veth1 veth2; do bridge link set dev $port isolated off; done",
    ],
    "See when it happens: ip -ts monitor link. See if it is known who did it before: journalctl -u"
    " vxland VXLAND_KIND=fight. Stop what does it, or take the device out of vxland's"
    " configuration": ["ip -ts monitor link", "journalctl -u vxland VXLAND_KIND=fight"],
    "Is vxland running there? vxland status on lxd2 tells, and whether both files name both peers."
    " Do packets arrive? tcpdump -ni any udp port 4789 and host 192.0.2.2; a firewall on the way"
    " must let UDP port 4789 through": [
        "vxland status",
        "tcpdump -ni any udp port 4789 and host 192.0.2.2",
    ],
    "Look closer (ip -d link show br0 (or br1)). Then say vxland apply --adopt.": [
        "ip -d link show br0 (or br1)",
        "vxland apply --adopt",
    ],
    "Run sysctl -w net.bridge.bridge-nf-call-iptables=0. It is lost at the next boot": [],
    "what vxland made earlier stays, and vxland didn't make it: see vxland.toml(5)": [],
    "Nothing, if its address still comes. Otherwise add it as a [[peer]]": [],
    "": [],
}


@pytest.fixture(name="words")
def _words(show: Open) -> Page:
    return show("three")


def test_commands_are_found_in_what_is_said(words: Page) -> None:
    told = words.evaluate(
        "(cures) => import('/commands.js').then(({ apart }) => cures.map(apart))", list(CURES)
    )
    for (cure, commands), parts in zip(CURES.items(), told, strict=True):
        assert "".join(part["text"] for part in parts) == cure.replace("`", "") or "`so" in cure
        assert [part["text"] for part in parts if part["command"]] == commands


@pytest.mark.parametrize(
    ("call", "expected"),
    {
        "rate(null)": "\N{EN DASH}",
        "rate(0)": "0 bit/s",
        "rate(1)": "8 bit/s",
        "rate(124.99)": "1.00 kbit/s",
        "rate(125000)": "1.00 Mbit/s",
        "rate(1234567)": "9.88 Mbit/s",
        "rate(12345678)": "98.8 Mbit/s",
        "rate(125e6)": "1.00 Gbit/s",
        "amount(999)": "999 B",
        "amount(999999)": "1.00 MB",
        "amount(1e20)": "100000 PB",
        "duration(0.0004)": "0.4 ms",
        "duration(0.006)": "6 ms",
        "duration(0.25)": "250 ms",
        "duration(1.25)": "1.3 s",
        "duration(320)": "5 min",
        "span(-3)": "0 s",
        "span(59.9)": "59 s",
        "span(3600)": "1 h",
        "span(7980)": "2 h 13 min",
        "span(86400)": "1 day",
        "span(2e5)": "2 days",
        "level(null)": "0",
        "level(124)": "0",
        "level(126)": "1",
        "level(1e12)": "7",
        "shortened('abc', 3)": "abc",
        "shortened('abcd', 3)": "ab…",
        "addressed({ address: '192.0.2.1', host: null })": "192.0.2.1",
        "addressed({ address: '192.0.2.1', host: 'a.example' })": "192.0.2.1 (a.example)",
        "addressed({ address: '', host: null })": "",
        "counted(1, 'peer')": "1 peer",
        "counted(1200, 'peer')": "1,200 peers",
    }.items(),
)
def test_numbers_as_a_person_reads_them(words: Page, call: str, expected: str) -> None:
    assert words.evaluate(f"import('/format.js').then((f) => String(f.{call}))") == expected
