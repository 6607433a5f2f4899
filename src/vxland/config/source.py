"""The configuration's files as they are: PATH, then PATH.d/*.toml in name order."""

import errno
import hashlib
import os
import re
import stat
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from vxland.config.errors import ConfigError
from vxland.config.lines import Lines
from vxland.config.wording import printable

SIZE_LIMIT = 4 << 20  # bytes: a mesh as large as a bridge can be takes a twentieth of it

_AT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_CORRECT_PATH = "Correct the path"
HOMES = ("/home", "/root", "/run/user")  # what the unit's ProtectHome= hides (systemd.exec(5))
_CURES = {
    errno.ENOENT: "Make it, or name another file with --config",
    errno.ELOOP: "The symbolic links lead in a circle: make it a file",
    errno.EISDIR: "Name a file; more files go into PATH.d",
    errno.ENXIO: "Make it a plain file",
    errno.ENOTDIR: _CORRECT_PATH,
    errno.ENAMETOOLONG: _CORRECT_PATH,
}


class SourceFile(Struct, frozen=True):
    """One file that is TOML, whatever it says."""

    name: str
    data: dict[str, Any]
    lines: Lines


class Sources(Struct, frozen=True):
    """Every file that is TOML, and what is wrong with the others."""

    names: tuple[str, ...]
    files: tuple[SourceFile, ...]
    errors: tuple[ConfigError, ...]
    digest: str  # SHA-256 over names and bytes: tells one configuration from another


class Unusable(Exception):
    """A file or folder that can't be read, or isn't TOML; ``error`` says why."""

    def __init__(
        self,
        file: Path,
        message: str,
        cure: str,
        *,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.error = ConfigError(printable(str(file)), "", message, cure, line=line, column=column)


class Contents(Struct, frozen=True):
    """The bytes of every file, and what is wrong with those that can't be read."""

    files: tuple[tuple[Path, bytes | ConfigError], ...]
    errors: tuple[ConfigError, ...]  # of the folder


def read(path: Path) -> Sources:
    """Reads every file. One that can't be read or isn't TOML hides no error of the others."""
    return parsed(contents(path))


def contents(path: Path) -> Contents:
    """What is in every file, whatever it means."""
    files: list[tuple[Path, bytes | ConfigError]] = []
    errors: list[ConfigError] = []
    paths = [path]
    try:
        paths += drop_ins(folder_of(path))
    except Unusable as unusable:
        errors.append(unusable.error)
    for file in paths:
        try:
            files.append((file, content_of(file)))
        except Unusable as unusable:
            files.append((file, unusable.error))
    return Contents(tuple(files), tuple(errors))


def parsed(found: Contents) -> Sources:
    """What the files are as TOML."""
    files: list[SourceFile] = []
    errors = list(found.errors)
    digest = hashlib.sha256()
    for file, content in found.files:
        if isinstance(content, ConfigError):
            errors.append(content)
            continue
        for part in (os.fsencode(file.name), content):
            digest.update(len(part).to_bytes(8, "big") + part)
        try:
            files.append(_parse(file, content))
        except Unusable as unusable:
            errors.append(unusable.error)
    names = tuple(printable(str(file)) for file, _ in found.files)
    return Sources(names, tuple(files), tuple(errors), digest.hexdigest())


def of_text(path: Path, text: str) -> Sources:
    """A text that isn't in a file yet, under the name that it may get; it has no drop-ins."""
    content, name = text.encode("utf-8", "surrogatepass"), printable(str(path))
    digest = hashlib.sha256(content).hexdigest()
    try:
        return Sources((name,), (_parse(path, content),), (), digest)
    except Unusable as unusable:
        return Sources((name,), (), (unusable.error,), digest)


@lru_cache(8)  # each turn asks, and a path's parts are interned
def folder_of(path: Path) -> Path:
    """Where what else belongs to a file is: its drop-ins."""
    return Path(f"{path}.d")


def drop_ins(folder: Path) -> list[Path]:
    """The ``*.toml`` in a folder, as the shell lists them: sorted by bytes, none that is hidden.

    Raises Unusable.
    """
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError as error:
        if not folder.is_symlink():
            return []  # it is optional
        raise _unreadable(folder, error) from error
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    chosen = [name for name in names if name.endswith(".toml") and not name.startswith(".")]
    return [folder / name for name in sorted(chosen, key=os.fsencode)]


def _unreadable(file: Path, error: OSError | ValueError) -> Unusable:
    if not isinstance(error, OSError):  # a NUL in the name
        return Unusable(file, f"can't be read: {error}", _CORRECT_PATH)
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        cure = _permission(file)
    else:
        cure = _CURES.get(error.errno or 0, "Look for what is wrong with the disk or the folder")
    return Unusable(file, f"can't be read: {reason}", cure)


def _permission(file: Path) -> str:
    """What lets the service read it, or enter the outermost folder that it may not enter."""
    real = Path(os.path.realpath(file))
    for home in HOMES:
        if real.is_relative_to(home):
            return f"Run it as root; the service sees nothing of {home}: keep the file in /etc"
    for folder in [*real.parents][::-1]:
        if not os.access(folder, os.X_OK, effective_ids=True):
            return f"Let vxland enter {folder}: chgrp vxland {folder} && chmod g+rx {folder}"
    mode = "750" if file.is_dir() else "640"
    return f"Run it as root; for the service: chgrp vxland {file} && chmod {mode} {file}"


def _without_waiting(file: str, flags: int) -> int:
    """Opens it; a named pipe too, whose other end nobody may ever open."""
    return os.open(file, flags | os.O_NONBLOCK)


def content_of(file: Path) -> bytes:
    """What is in a file, which may be anything but must be one. Raises Unusable."""
    try:
        with open(file, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Unusable(file, "isn't a regular file", _CURES[errno.ENXIO])
            content = stream.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    if len(content) > SIZE_LIMIT:
        message = f"is larger than {SIZE_LIMIT >> 20} MiB"
        raise Unusable(file, message, "Check that it is the configuration")
    return content


def _parse(file: Path, content: bytes) -> SourceFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        raise Unusable(
            file,
            "isn't text in UTF-8",
            "Save it as UTF-8",
            line=before.count(b"\n") + 1,
            column=error.start - before.rfind(b"\n"),
        ) from error
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise Unusable(
            file, "has tables or lists nested too deeply", "Nothing here needs that: correct it"
        ) from error
    except ValueError as error:  # tomllib's own error, and int's for a number of 4300 digits
        raise _not_toml(file, text, error) from error
    return SourceFile(printable(str(file)), data, Lines(text))


def _not_toml(file: Path, text: str, error: ValueError) -> Unusable:
    match = _AT.fullmatch(str(error))
    reason = match[1] if match else str(error)
    line = int(match[2]) if match and match[2] else None
    column = int(match[3]) if match and match[3] else None
    if match and line is None:  # at the end
        line = text.rstrip().count("\n") + 1
    return Unusable(
        file, f"isn't TOML: {printable(reason)}", "Correct this line", line=line, column=column
    )
