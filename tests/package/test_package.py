"""The Debian package, installed by apt into a Debian that isn't booted."""

import gzip
import re
import subprocess

import pytest

from tests.package.build import CHECKOUT, built
from tests.package.root import Root, copied
from vxland import __version__
from vxland.cli import COMMANDS

pytestmark = [pytest.mark.package, pytest.mark.timeout(900, func_only=True)]

CONSTRAINTS = CHECKOUT / "constraints.txt"
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
# What dpkg, apt and shadow note about any package.
NOTES = re.compile(r"/(var/(cache|lib/(apt|dpkg)|log)/.*|etc/(passwd|shadow|group|gshadow)-|tmp)")
ACCOUNTS = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")


def state(root: Root) -> dict[str, str]:
    """Files and accounts."""
    files = {path: about for path, about in root.files().items() if not NOTES.fullmatch(path)}
    return files | {path: root.path(path).read_text() for path in ACCOUNTS}


def test_program_runs_for_everybody(installed: Root) -> None:
    assert installed.run(*NOBODY, "vxland", "--version").stdout == f"vxland {__version__}\n"
    shown = installed.run(*NOBODY, "vxland", "--help").stdout
    assert [command.name for command in COMMANDS if command.name not in shown] == []


def test_shipped_configuration_is_valid_and_has_no_overlay(installed: Root) -> None:
    """This imports every dependency but the kernel's, and shows that others may read the file."""
    done = installed.run(*NOBODY, "vxland", "check", "--json")
    assert '"errors": []' in done.stdout, done.stdout
    shipped = installed.path("/etc/vxland.toml").read_bytes()
    assert shipped == (CHECKOUT / "etc" / "vxland.toml.example").read_bytes()
    assert not re.search(rb"^\[\[overlay", shipped, re.MULTILINE)


def test_dependencies_are_its_own(installed: Root) -> None:
    """Each comes out of the private folder; none is Debian's or another's."""
    names = (
        "dns pydantic prometheus_client pyroute2 rich systemd.journal tree_sitter tree_sitter_bash"
        " watchdog.observers"
    )
    code = "import sys; sys.path.insert(0, '/usr/lib/vxland')\n" + "\n".join(
        f"import {name}; print({name}.__file__)" for name in names.split()
    )
    found = installed.run("/usr/bin/python3", "-IB", "-c", code).stdout.splitlines()
    assert len(found) == len(names.split())
    assert [path for path in found if not path.startswith("/usr/lib/vxland/")] == []


def test_starts_compiled_and_first_use_by_root_writes_nothing(installed: Root) -> None:
    files = set(installed.files())
    assert any(re.match(r"/usr/lib/vxland/vxland/__pycache__/cli\..*\.pyc", path) for path in files)
    installed.run("vxland", "schema")
    assert set(installed.files()) - files == set()


def test_service_user_is_made(installed: Root) -> None:
    assert re.search(r"^vxland:x:\d+:\d+:.*:/:/usr/sbin/nologin$", passwd(installed), re.MULTILINE)
    lines = installed.run("systemd-tmpfiles", "--cat-config").stdout.splitlines()
    assert "d /run/vxland 0755 vxland vxland" in lines


def passwd(root: Root) -> str:
    return root.path("/etc/passwd").read_text()


def test_service_is_neither_enabled_nor_masked(installed: Root) -> None:
    links = [path for path in installed.files() if path.startswith("/etc/systemd")]
    assert [path for path in links if "vxland" in path] == []


def test_files_are_roots_and_readable_by_all(release: str) -> None:
    listed = subprocess.run(
        ["dpkg-deb", "--contents", built(release)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wrong = []
    for line in listed:
        mode, owner, *_, path = line.split()
        program = path in {"./usr/bin/vxland", "./usr/share/python3/runtime.d/vxland.rtupdate"}
        right = "drwxr-xr-x" if path.endswith("/") else "-rwxr-xr-x" if program else "-rw-r--r--"
        if (mode, owner) != (right, "root/root"):
            wrong.append(line)
    assert wrong == []


def test_nothing_superfluous_is_shipped(release: str) -> None:
    listed = subprocess.run(
        ["dpkg-deb", "--contents", built(release)], capture_output=True, text=True, check=True
    ).stdout
    assert (
        re.findall(
            r"\S*(?:__pycache__|\.pth|/vxland/bin/|/tornado/test/|direct_url\.json|RECORD).*",
            listed,
        )
        == []
    )
    assert len(re.findall(r"/vxland/[^/]+\.dist-info/METADATA", listed)) >= 12  # versions, licences


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/systemd/system/vxland.service",
        "/usr/lib/systemd/catalog/vxland.catalog",
        "/usr/lib/systemd/network/05-vxland.link",
        "/usr/lib/systemd/network/05-vxland.network",
        "/usr/lib/systemd/network/05-vxland-names.network",
        "/usr/lib/systemd/system/systemd-nspawn@.service.d/vxland.conf",
        "/usr/lib/udev/rules.d/79-vxland.rules",
        "/usr/lib/NetworkManager/conf.d/vxland.conf",
        "/usr/lib/sysusers.d/vxland.conf",
        "/usr/lib/tmpfiles.d/vxland.conf",
        "/usr/share/vxland/ebtables-legacy.conf",
        "/usr/share/doc/vxland/copyright",
        "/usr/share/doc/vxland/changelog.gz",
        "/usr/share/doc/vxland/README.md",
        "/usr/share/doc/vxland/docs/service.md",
        "/usr/share/doc/vxland/docs/runbook.md",
        "/usr/share/doc/vxland/docs/page.png",
        "/usr/share/doc/vxland/docs/guests/lxc.md",
        "/usr/share/vxland/prometheus/prometheus.yml",
        "/usr/share/vxland/prometheus/vxland.rules.yml",
        "/usr/share/vxland/grafana/vxland.json",
    ],
)
def test_what_belongs_to_the_service_is_where_the_system_looks(installed: Root, path: str) -> None:
    assert installed.path(path).stat().st_size > 0


@pytest.mark.parametrize("page", ["man8/vxland.8", "man5/vxland.toml.5"])
def test_manual_pages_are_there(installed: Root, page: str) -> None:
    text = gzip.decompress(installed.path(f"/usr/share/man/{page}.gz").read_bytes()).decode()
    title, section = page.partition("/")[2].rsplit(".", 1)
    assert f".Dt {title.upper()} {section}\n" in text


@pytest.mark.parametrize(
    "path",
    [
        "bash-completion/completions/vxland",
        "zsh/vendor-completions/_vxland",
        "fish/vendor_completions.d/vxland.fish",
    ],
)
def test_completions_know_every_command(installed: Root, path: str) -> None:
    text = installed.path(f"/usr/share/{path}").read_text()
    assert [command.name for command in COMMANDS if command.name not in text] == []


def test_bash_completes_commands_and_options(installed: Root) -> None:
    def completed(*words: str) -> list[str]:
        script = (
            ". /usr/share/bash-completion/completions/vxland\n"
            f"COMP_WORDS=({' '.join(repr(word) for word in words)}) COMP_CWORD={len(words) - 1}\n"
            '_shtab_vxland\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        return installed.run("bash", "-c", script).stdout.split()

    assert completed("vxland", "rel") == ["reload"]
    assert completed("vxland", "plan", "--comm") == ["--commands"]
    assert completed("vxland", "check", "/etc/vxl") == ["/etc/vxland.toml"]


@pytest.mark.whole
def test_zsh_and_fish_complete_too(installed: Root) -> None:
    with copied(installed) as root:
        root.run("apt-get", "-qy", "--no-install-recommends", "install", "zsh", "fish")
        known = "autoload -U compinit; compinit -u; print $_comps[vxland]; autoload +X _vxland"
        assert root.run("zsh", "-fec", known).stdout == "_vxland\n"
        offered = root.run("fish", "-c", 'complete --do-complete "vxland rel"').stdout
        assert offered.split()[0] == "reload"


def test_versions_are_those_of_the_constraints(installed: Root) -> None:
    listed = re.findall(r"^(\S+)==(\S+)$", CONSTRAINTS.read_text(), re.MULTILINE)
    pins = {normal(name): version for name, version in listed}
    carried = {}
    for metadata in installed.path("/usr/lib/vxland").glob("*.dist-info/METADATA"):
        text = metadata.read_text()
        name, version = re.findall(r"^(?:Name|Version): (.*)$", text, re.MULTILINE)[:2]
        carried[normal(name)] = version
    assert carried.pop("vxland") == __version__
    assert carried.keys() >= {"pydantic", "pyroute2", "watchdog"}
    assert carried.items() - pins.items() == set()


def normal(name: str) -> str:
    """The name of a Python package as all ways of writing it have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_remove_keeps_the_configuration_and_purge_leaves_nothing(ready: Root) -> None:
    """Also nothing of what running and enabling it brings."""
    with copied(ready) as root:
        before = state(root)
        root.run("apt-get", "-qy", "install", "/vxland.deb")
        root.path("/etc/vxland.toml").write_text("# mine\n")
        root.path("/run/vxland").mkdir(exist_ok=True)
        root.path("/run/vxland/lock").touch()
        root.path("/etc/vxland.toml.d").mkdir()
        wants = root.path("/etc/systemd/system/multi-user.target.wants")
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "vxland.service").symlink_to("/usr/lib/systemd/system/vxland.service")

        root.run("apt-get", "-qy", "remove", "vxland")
        assert root.path("/etc/vxland.toml").read_text() == "# mine\n"
        assert not root.path("/usr/bin/vxland").exists()
        assert not root.path("/usr/lib/vxland").exists()

        root.run("apt-get", "-qy", "purge", "vxland")
        after = state(root)
        assert {path for path in after if "vxland" in path} == {"/vxland.deb"}
        assert after == before


def test_purge_keeps_fragments_that_somebody_wrote(ready: Root) -> None:
    with copied(ready) as root:
        root.run("apt-get", "-qy", "install", "/vxland.deb")
        root.path("/etc/vxland.toml.d").mkdir()
        root.path("/etc/vxland.toml.d/mine.toml").touch()
        root.run("apt-get", "-qy", "purge", "vxland")
        assert root.path("/etc/vxland.toml.d/mine.toml").exists()
