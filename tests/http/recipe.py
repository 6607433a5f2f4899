"""Does what docs/http.md says, in a folder instead of /etc and on this machine's own address."""

import re
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from vxland.config.load import check
from vxland.settings import HttpSettings

DOCUMENT = Path(__file__).parents[2] / "docs" / "http.md"
SECTION = "### TLS and client certificates"
ADDRESS = "203.0.113.1"


def blocks(language: str) -> list[str]:
    """What is to be typed, or written, for TLS."""
    text = DOCUMENT.read_text().split(SECTION)[1].split("\n### ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@dataclass
class Recipe:
    """The recipe for TLS, followed."""

    folder: Path
    port: int = 9788  # that the server got
    commands: list[str] = field(default_factory=lambda: blocks("bash"))

    def here(self, text: str) -> str:
        """As it has to be typed here."""
        text = text.replace(f"{ADDRESS}:9788", f"127.0.0.1:{self.port}")
        text = text.replace(ADDRESS, "127.0.0.1").replace(" -g vxland", "")
        return text.replace("/etc/", f"{self.folder}/etc/")

    def type(self, command: str) -> str:
        """Type a block as it stands; it must succeed."""
        place = self.folder / "vxland-ca"
        done = subprocess.run(
            ["bash", "-euc", self.here(command)],
            cwd=place if place.exists() else self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    def make(self) -> None:
        """All certificates, each where it belongs."""
        for command in self.commands[:4]:
            self.type(command)

    def renew(self) -> None:
        """Another certificate and key for the server, in the same place."""
        for command in (self.commands[1], self.commands[3]):
            self.type(command)

    @property
    def ca(self) -> Path:
        """The folder with everything that the authority has made."""
        return self.folder / "vxland-ca"

    def tls(self, name: str) -> Path:
        """One of the server's files."""
        return self.folder / "etc" / "vxland" / "tls" / name

    def settings(self) -> HttpSettings:
        """What the document's [http] means here."""
        (toml,) = blocks("toml")
        config = self.folder / "vxland.toml"
        config.write_text(self.here(toml))
        return check(config).settings.http

    def anywhere(self) -> HttpSettings:
        """The same, on any port."""
        return replace(self.settings(), listen=("127.0.0.1", 0))

    def client(self, name: str | None = "prometheus") -> ssl.SSLContext:
        """One that trusts the authority, with one of its certificates."""
        context = ssl.create_default_context(cafile=self.ca / "ca.pem")
        if name:
            context.load_cert_chain(self.ca / f"{name}.pem", self.ca / f"{name}.key")
        return context
