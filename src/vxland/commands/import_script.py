"""``vxland import-script``: a configuration that means the same as vxlansetup.sh."""

import os
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from vxland.commands.trouble import complain, explained
from vxland.config.load import check_text
from vxland.config.wording import printable
from vxland.script.faults import Fault, NotImportable
from vxland.script.mesh import Mesh, mesh
from vxland.script.setup import LARGEST, Setup, setup
from vxland.script.writing import toml

MADE, NOT_MADE = 0, 1


def run(options: Namespace) -> int:
    """0 made, 1 not."""
    with explained(options):
        try:
            agreed = _mesh(options.files)
        except NotImportable as error:
            complain(options, *map(str, error.faults), "nothing was made of it")
            return NOT_MADE
        text = toml(agreed)
        check_text(options.output or Path("the configuration made of it"), text)
        if options.output is None:
            print(text, end="")
            return MADE
        _write_new(options.output, text)
    print(f"{options.output}: made. Read it, then: vxland check {options.output}")
    return MADE


def _mesh(files: Sequence[Path]) -> Mesh:
    """What the scripts say together. Raises NotImportable, with what is wrong with each."""
    faults: list[Fault] = []
    setups: list[Setup] = []
    for path in files:
        name = printable(str(path))
        try:
            with path.open("rb") as stream:
                setups.append(setup(name, stream.read(LARGEST + 1)))
        except NotImportable as error:
            faults += error.faults
        except (OSError, ValueError) as error:  # a NUL in the name
            reason = getattr(error, "strerror", None) or str(error)
            faults.append(Fault(name, None, f"can't be read: {reason}", "Correct the path"))
    if faults:
        raise NotImportable(faults)
    return mesh(setups)


def _write_new(path: Path, text: str) -> None:
    """Write a whole file where there is none. Raises OSError."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix="."
        ) as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
            os.link(file.name, path)
    except FileExistsError:
        what = f"{path} exists, and is left as it is: name a new file, or move it away"
        raise OSError(what) from None
    except (OSError, ValueError) as error:  # a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise OSError(f"{path} can't be written: {reason}") from None
