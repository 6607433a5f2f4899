"""The pieces packed: one folder in a .tar.gz, with a file that says what each of them is."""

import gzip
import io
import os
import tarfile
import time
from collections.abc import Iterable
from pathlib import Path

from vxland import __version__
from vxland.bugreport.collect import Piece

MODE = 0o600  # it tells much of a network, if no secrets
README = """\
Written by "vxland bugreport" of vxland {version} for an issue.

Left out:
{left_out}
Look the rest over before you attach it: it tells names, addresses, MAC addresses and routes of this
machine and its peers.

{listed}"""
LEFT_OUT = (
    "comments of the configuration and of the unit",
    "the TLS key and certificates, which are never read",
    "passwords in URLs, and what is called a password, secret, token or the like",
    "the values of environment variables",
    "firewall rules outside the bridge family and vxland's own tables",
    "other programs' processes, configurations and logs",
)


def pack(folder: str, pieces: Iterable[Piece]) -> bytes:
    """A .tar.gz of them, each below ``folder``; kept in memory, packed as they come."""
    packed = io.BytesIO()
    listed: list[str] = []
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for piece in pieces:
            listed.append(f"{piece.file}: {piece.about}\n")
            if piece.trouble:
                listed.append(f"    NOT WHOLE: {piece.trouble}\n")
            _add(tar, f"{folder}/{piece.file}", piece.text)
        left_out = "".join(f"- {what}\n" for what in LEFT_OUT)
        text = README.format(version=__version__, left_out=left_out, listed="".join(listed))
        _add(tar, f"{folder}/README.txt", text)
    return packed.getvalue()


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode(errors="replace")
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(data), MODE, int(time.time())
    tar.addfile(entry, io.BytesIO(data))


def write(path: Path, data: bytes) -> None:
    """A new file, for its owner alone, that is there whole or not at all. Raises OSError."""
    made = False
    try:
        with open(path, "xb", opener=_for_its_owner) as file:
            made = True
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # a disk that is full, or a quota, may say so only here
    except BaseException:
        if made:
            path.unlink(missing_ok=True)
        raise


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, MODE)
