"""What scripts/audit makes of pip-audit's answers: these are its own, by version 2.10.1."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

AUDIT = Path(__file__).resolve().parents[2] / "scripts" / "audit"
# What makes the script's own environment: with a pip-audit that has its answer already.
PYTHON = """\
#!/bin/bash
mkdir "$3/bin"
printf '#!/bin/bash\\nexit "$PIP"\\n' >"$3/bin/python"
printf '#!/bin/bash\\nprintf %%s "$ANSWER"\\nexit "$STATUS"\\n' >"$3/bin/pip-audit"
chmod +x "$3"/bin/*
"""
NONE = "No known vulnerabilities found\n"
SOME = """\
Found 1 known vulnerability in 1 package
Name     Version ID           Fix Versions
-------- ------- ------------ ------------
pydantic 2.14.3  PYSEC-2026-1 99.0
"""
UNKNOWN = """\
Name    Skip Reason
------- -----------------------------------------------------------------------
msgspec Dependency not found on PyPI and could not be audited: msgspec (0.22.0)
"""
UNREACHABLE = """\
Traceback (most recent call last):
  File "requests/adapters.py", line 700, in send
requests.exceptions.ConnectionError: nobody there
"""
SAYS = "scripts/audit: "


@dataclass(frozen=True)
class Told:
    """An answer with its exit status, and what the script tells then, with its own."""

    answer: str
    answered: int
    status: int
    out: str = ""
    err: str = ""
    pip: int = 0


TOLD = {
    "none": Told(NONE, 0, 0, out=NONE),
    "some": Told(SOME, 1, 1, out=SOME),
    "one unknown": Told(
        NONE + UNKNOWN, 0, 2, err=f"{SAYS}of some packages it can't be told:\n{UNKNOWN}"
    ),
    "some, and one unknown": Told(f"{SOME}\n{UNKNOWN}", 1, 1, out=f"{SOME}\n{UNKNOWN}"),
    "nobody there": Told(
        UNREACHABLE,
        1,
        2,
        err=f"{SAYS}it can't be told: requests.exceptions.ConnectionError: nobody there\n",
    ),
    "no auditor": Told(NONE, 0, 2, err=f"{SAYS}pip-audit can't be installed\n", pip=1),
}


@pytest.mark.parametrize("name", TOLD)
def test_an_answer_is_told(tmp_path: Path, name: str) -> None:
    """A known vulnerability whatever else is unknown; and without an answer none is all right."""
    told = TOLD[name]
    python = tmp_path / "python3"
    python.write_text(PYTHON)
    python.chmod(0o755)
    done = subprocess.run(
        [AUDIT],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ANSWER": told.answer,
            "STATUS": str(told.answered),
            "PIP": str(told.pip),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert (done.returncode, done.stdout, done.stderr) == (told.status, told.out, told.err)


def test_a_file_that_isnt_there_is_named() -> None:
    """Rather than pass over what was asked about."""
    done = subprocess.run([AUDIT, "none"], capture_output=True, text=True, check=False, timeout=20)
    said = f"{SAYS}there is no requirements/none.txt\n"
    assert (done.returncode, done.stderr) == (2, said)
