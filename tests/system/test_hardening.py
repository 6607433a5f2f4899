"""What the unit lets the daemon do: its work, HTTP and DNS, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import eventually
from tests.lab.site import config
from tests.package.build import CHECKOUT, built
from tests.system.installed import CONFIG, install, settled
from tests.system.machine import Machine
from tests.system.service import capabilities, logged, process, shown, status_line
from tests.system.site import SYSTEM, Site
from vxland.kernel.ebtables import ENVIRONMENT

pytestmark = [pytest.mark.system, pytest.mark.timeout(300, func_only=True)]

NET_ADMIN, NET_RAW = 12, 13  # linux/capability.h
EXPOSURE = 1.5  # at most; "OK" in systemd's words
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
MANUAL = CHECKOUT / "docs" / "service.md"
OVERRIDE = f"{SYSTEM}/vxland.service.d/override.conf"  # where systemctl edit puts it
ELSEWHERE = "/etc/mesh/vxland.toml"

# On the other machine: a name server, and a web server to go to by a name of its.
SERVERS = """
mkdir /srv/web; echo hello >/srv/web/greeting
systemd-run --quiet --unit=names dnsmasq --keep-in-foreground --user=root --no-hosts --no-resolv \
  --interface=host0 --bind-interfaces --address=/web.example.test/192.0.2.2
systemd-run --quiet --unit=web python3 -m http.server --directory /srv/web 80
"""
# Another program in the very sandbox of the daemon's: the same unit with another ExecStart.
PROBE_UNIT = """\
[Unit]
Before=
[Service]
Type=oneshot
Restart=no
StandardOutput=truncate:/run/probe.json
ExecStart=
ExecStart=/usr/bin/python3 -I /usr/local/lib/probe.py
ExecReload=
"""
PROBE = """\
import errno, json, os, socket, tempfile, urllib.request

def writing(folder):
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "can"

def refused(*what):
    try:
        socket.socket(*what).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "can"

UNITS = "/sys/fs/cgroup/system.slice"
FOLDERS = ("/etc", "/usr", "/var/lib", "/run/vxland")
page = "http://web.example.test/greeting"
print(json.dumps({
    "address": socket.gethostbyname("web.example.test"),
    "page": urllib.request.urlopen(page, timeout=10).read().decode(),
    "writing": {folder: writing(folder) for folder in FOLDERS},
    "temporary": os.listdir("/tmp"),
    "processes": sorted({os.stat(f"/proc/{n}").st_uid for n in os.listdir("/proc") if n.isdigit()}),
    "switches": os.path.isdir("/proc/sys/net"),
    "journald": open(f"{UNITS}/systemd-journald.service/cgroup.procs").read().split(),
    "packets": refused(socket.AF_PACKET, socket.SOCK_RAW),
    "me": os.getuid(),
}))
"""
# Who stands in the place of ebtables, in a unit that sees no shell.
WITNESS = """\
#!/usr/bin/python3 -I
import json, os, sys
with open("/run/vxland/started", "a") as started:
    print(json.dumps([" ".join(sys.argv), dict(os.environ)]), file=started)
os.execv("/usr/local/lib/multi", sys.argv)
"""
WITNESSED = """\
[Service]
BindReadOnlyPaths=/usr/local/lib/witness:{multi}
InaccessiblePaths=/usr/bin/sh /usr/bin/dash /usr/bin/bash /usr/bin/env
"""


@pytest.fixture(scope="module")
def site(release: str, root: Path) -> Iterator[Site]:
    """The first machine has the service; the other one answers for names and pages."""
    with Site(root, 2) as site:
        host, other = site.machines
        other.run(SERVERS)
        host.write("/etc/resolv.conf", "nameserver 192.0.2.2\n")
        install(host, built(release))
        host.write(CONFIG, config([1, 2]))
        host.run("systemctl enable --now vxland")
        yield site


@pytest.fixture
def host(site: Site) -> Machine:
    """The machine with the service, which is as wanted."""
    settled(site.machines[0])
    return site.machines[0]


@pytest.fixture(scope="module")
def probed(site: Site) -> dict[str, Any]:
    """What a program finds that runs as the daemon does."""
    host, other = site.machines
    eventually(lambda: ":53" in other.run("ss -Hlnu src 192.0.2.2"), "the name server listens")
    eventually(lambda: ":80" in other.run("ss -Hlnt"), "the web server listens")
    unit = f"{SYSTEM}/probe.service"
    host.run(f"cp /usr/lib/systemd/system/vxland.service {unit}; touch /tmp/somebodys")
    host.write(f"{unit}.d/probe.conf", PROBE_UNIT)
    host.write("/usr/local/lib/probe.py", PROBE)
    host.run("systemctl daemon-reload; systemctl start probe || journalctl -u probe >&2")
    return dict(json.loads(host.run("cat /run/probe.json")))


def block(language: str, beginning: str) -> str:
    """A block of the manual."""
    pattern = rf"^```{language}\n({re.escape(beginning)}.*?)^```$"
    (found,) = re.findall(pattern, MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def exposure(host: Machine) -> str:
    """What systemd-analyze rates the service, of 10.0."""
    said = host.run("systemd-analyze security --no-pager vxland")
    found = re.search(r"Overall exposure level for vxland.service: (\S+)", said)
    assert found is not None, said
    return found[1]


def test_exposure_is_low(host: Machine) -> None:
    assert float(exposure(host)) <= EXPOSURE
    gate = f"systemd-analyze security --threshold={EXPOSURE * 10:.0f} vxland >/dev/null"
    assert host.attempt(gate).returncode == 0


def test_manual_says_the_exposure(host: Machine) -> None:
    assert f"rates {exposure(host)}." in MANUAL.read_text()


def test_process_has_one_capability_and_no_way_to_more(host: Machine) -> None:
    now = process(host)
    assert now["Uid"].split() == [host.run("id -u vxland").strip()] * 4
    assert now["Gid"].split() == [host.run("id -g vxland").strip()] * 4
    assert now["Uid"].split()[0] != "0"
    assert capabilities(host) == {name: {NET_ADMIN} for name in SETS}
    assert (now["NoNewPrivs"], now["Seccomp"]) == ("1", "2")


def test_sandbox_lets_names_be_resolved_and_pages_be_fetched(probed: dict[str, Any]) -> None:
    assert probed["address"] == "192.0.2.2"
    assert probed["page"] == "hello\n"


def test_sandbox_keeps_the_disk_and_others_out_of_reach(probed: dict[str, Any]) -> None:
    read_only = dict.fromkeys(["/etc", "/usr", "/var/lib"], "EROFS")
    assert probed["writing"] == read_only | {"/run/vxland": "can"}
    assert probed["temporary"] == []
    assert probed["processes"] == [probed["me"]]
    assert probed["packets"] == "EAFNOSUPPORT"


def test_sandbox_shows_whether_br_netfilter_takes_hold_of_bridges(probed: dict[str, Any]) -> None:
    assert probed["switches"]


def test_sandbox_tells_which_service_a_process_is_of(probed: dict[str, Any]) -> None:
    assert len(probed["journald"]) == 1


def test_peers_are_found_by_name(host: Machine) -> None:
    """By the service itself, of the name server and /etc/hosts that the machine goes by."""
    own = "192.0.2.1 first.example.test\n"
    mine = config([1, 2]).replace('"192.0.2.1"', '"first.example.test"')
    hosts = host.run("cat /etc/hosts")
    try:
        host.write("/etc/hosts", hosts + own)
        host.write(CONFIG, mine.replace('"192.0.2.2"', '"web.example.test"'))
        host.run("systemctl restart vxland")
        settled(host)
        assert "remote 192.0.2.2" in host.run("ip -d link show dev vxl-lan-lxd2")
    finally:
        host.write("/etc/hosts", hosts)
        host.write(CONFIG, config([1, 2]))
        host.run("systemctl restart vxland")


def test_a_bug_report_has_the_unit_and_its_journal(host: Machine) -> None:
    """By the program as it is installed; what an administrator's drop-in sets isn't told."""
    drop_in = f"{SYSTEM}/vxland.service.d/theirs.conf"
    host.write(drop_in, "[Service]\nEnvironment=PASSWORD=swordfish\n# swordfish\n")
    host.run("systemctl daemon-reload; vxland bugreport -o /root/report.tar.gz")
    host.run(f"rm {drop_in}; systemctl daemon-reload; mkdir /root/report")
    host.run("tar -xzf /root/report.tar.gz -C /root/report --strip-components=1")
    report = "/root/report"
    assert "Active: active (running)" in host.run(f"cat {report}/service/status.txt")
    unit = host.run(f"cat {report}/service/unit.txt")
    assert drop_in in unit
    assert "AmbientCapabilities=CAP_NET_ADMIN" in unit
    assert "Started vxland.service" in host.run(f"cat {report}/service/journal.txt")
    listed = host.run(f"cat {report}/README.txt")
    assert not re.search(r"^(service|vxland)/.*\n +NOT WHOLE", listed, re.MULTILINE), listed
    assert host.attempt(f"grep -r swordfish {report}").stdout == ""


def test_metrics_are_served(host: Machine) -> None:
    code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9788/metrics').read())"
    assert "vxland_" in host.run(f'python3 -c "{code}"')


@pytest.mark.parametrize(
    ("harm", "look", "wanted"),
    [
        ("ip link delete vxl-lan-lxd2", "ip -br link show master vxbr0", "vxl-lan-lxd2"),
        ("ip link delete vxbr0", "ip -br link show master vxbr0", "vxl-lan-lxd2"),
        ("ebtables -F", "ebtables -L FORWARD", "-j VXLAND"),
        (
            "bridge link set dev vxl-lan-lxd2 isolated off",
            "bridge -d link show dev vxl-lan-lxd2",
            "isolated on",
        ),
    ],
    ids=["tunnel", "bridge", "ebtables", "isolation"],
)
def test_drift_is_put_right(host: Machine, harm: str, look: str, wanted: str) -> None:
    assert wanted in host.run(look)
    before = len(logged(host))
    host.run(harm)
    eventually(lambda: wanted in host.attempt(look).stdout, "it is put right")
    eventually(
        lambda: any("put right" in line for line in logged(host)[before:]), "the journal tells"
    )


def test_the_daemon_owns_its_table_and_leaves_it_behind(host: Machine) -> None:
    """In its sandbox, and with the nft that this Debian release has."""
    before, drop = host.run(f"cat {CONFIG}"), 'iifname "vxl-*" oifname "vxl-*" drop'
    look = "nft list table bridge vxland"
    host.write(CONFIG, before.replace('"vxbr0"', '"vxbr0"\nguard = ["nftables"]'))
    host.run("systemctl reload vxland")
    settled(host)
    assert drop in host.run(look)
    owned = "flags owner" in host.run(look)
    for deed in ("nft flush ruleset", "systemctl restart vxland", "systemctl kill -s KILL vxland"):
        host.run(deed)
        eventually(lambda: drop in host.attempt(look).stdout, f"it is there after {deed}")
        settled(host)
        assert ("flags owner" in host.run(look)) == owned
    host.write(CONFIG, before)
    host.run("systemctl reload vxland")
    settled(host)
    assert host.attempt(look).returncode != 0


def test_drop_in_for_legacy_ebtables_gives_one_more_capability(host: Machine) -> None:
    """These machines have the nft one; the daemon must work with the drop-in all the same."""
    commands = block("sh", "mkdir -p /etc/systemd/system/vxland.service.d")
    assert NET_RAW not in capabilities(host)["CapEff"]
    try:
        host.run(commands)
        settled(host)
        assert capabilities(host) == {name: {NET_ADMIN, NET_RAW} for name in SETS}
        host.run(f"test -r /proc/{shown(host, 'MainPID')}/root/proc/filesystems")  # and modules
        host.run("ebtables -F")
        eventually(lambda: "VXLAND" in host.run("ebtables -L FORWARD"), "the guard is back")
    finally:
        host.run("rm -r /etc/systemd/system/vxland.service.d; systemctl daemon-reload")
        host.run("systemctl restart vxland")


def test_override_with_a_configuration_elsewhere_works(host: Machine) -> None:
    mine = config([1, 2]).replace("vxbr0", "vxbr7")
    host.write(ELSEWHERE, mine)
    host.write(OVERRIDE, block("ini", "[Service]\nExecStart=\nExecStart=/usr/bin/vxland run"))
    before = len(logged(host))
    try:
        host.run("systemctl daemon-reload; systemctl restart vxland")
        assert "in sync" in status_line(host)
        assert "vxbr7" in host.run("ip -br link show up dev vxbr7")
        assert any(f"with {ELSEWHERE}" in line for line in logged(host)[before:])
        host.write(ELSEWHERE, f"{mine}bogus = 1\n")
        assert host.attempt("systemctl reload vxland").returncode == 1
        assert f"{ELSEWHERE}:" in status_line(host)
        host.write(ELSEWHERE, mine)
        host.run("systemctl reload vxland")
        assert shown(host, "ActiveState") == "active"
    finally:
        host.run(f"rm {OVERRIDE}; systemctl daemon-reload; systemctl restart vxland")


def test_it_starts_ebtables_alone_and_needs_no_shell(host: Machine) -> None:
    """With a fixed environment; a witness stands in its place, and there is no shell in reach."""
    multi = host.run("readlink -f /usr/sbin/ebtables-save").strip()
    drop_in = f"{SYSTEM}/vxland.service.d/witness.conf"
    host.run(f"cp {multi} /usr/local/lib/multi")
    host.write("/usr/local/lib/witness", WITNESS)
    host.run("chmod 755 /usr/local/lib/witness")
    host.write(drop_in, WITNESSED.format(multi=multi))
    try:
        # The tests before have started it often: their starts don't count.
        host.run("systemctl daemon-reload; systemctl reset-failed vxland")
        host.run("systemctl restart vxland")
        settled(host)
        host.run("ebtables -F; systemctl reload vxland")
        eventually(lambda: "VXLAND" in host.run("ebtables -L FORWARD"), "the guard is back")
        settled(host)
        started = [json.loads(line) for line in host.run("cat /run/vxland/started").splitlines()]
        wrote = {"/usr/sbin/ebtables-restore --noflush"}
        assert wrote <= {words for words, _ in started} <= wrote | {"/usr/sbin/ebtables-save"}
        assert [one for _, one in started if one != ENVIRONMENT] == []
    finally:
        host.run(f"rm {drop_in} /run/vxland/started; systemctl daemon-reload")
        host.run("systemctl reset-failed vxland; systemctl restart vxland")
