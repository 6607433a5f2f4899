"""Whatever is in the files: a mesh comes of them, or each thing that is wrong is told in a line."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from tests.scripts.vxlansetup import script, variables
from vxland.script.faults import Fault, NotImportable
from vxland.script.mesh import mesh
from vxland.script.setup import setup
from vxland.script.writing import toml

ONE = script(variables("203.0.113.1", ["203.0.113.2", "198.51.100.3"]))
OTHER = script(variables("203.0.113.2", ["203.0.113.1", "198.51.100.3"]))
PIECES = (
    *("$(", "`", "${", "}", "((", "))", "[[", "]]", "(", ")", "{", "'", '"', "\\", "\n", ";", "#"),
    *("<<E\n", "E\n", "case x in", "esac", "if", "then", "fi", "for i in", "do", "done", "() {"),
    *("$A", "${A[@]}", "${A:-", ":=", "+=", "=(", "{1..9}", "{a,b}", "PORT=", "LOCALIP=", "eval "),
    *("REMOTEIPS[1]=", "unset ", "declare -A ", "local ", "source x", "\0", "\r", "\ufeff", "🦆"),
)
pieces = st.one_of(st.sampled_from(PIECES), st.text(max_size=5))
changes = st.lists(
    st.tuples(st.integers(0, len(ONE)), st.integers(0, 20), pieces), min_size=1, max_size=4
)


def changed(text: str, edits: list[tuple[int, int, str]]) -> str:
    """A script with something else in some places."""
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    return text


files = st.one_of(
    st.binary(max_size=200),
    st.lists(pieces, max_size=30).map(lambda some: "".join(some).encode()),
    changes.map(lambda edits: changed(ONE, edits).encode()),
    changes.map(lambda edits: changed(ONE, [(e[0] % 160, e[1], e[2]) for e in edits]).encode()),
)


@given(files)
@examples(300)
def test_it_is_imported_or_told(content: bytes) -> None:
    """Alone, and beside a sound one."""
    faults: tuple[Fault, ...] = ()
    try:
        one = setup("a.sh", content)
        assert "[[overlay]]" in toml(mesh([one]))
        mesh([one, setup("b.sh", OTHER.encode())])
    except NotImportable as error:
        faults = error.faults or (Fault("", None, "", ""),)
    for fault in faults:
        assert re.fullmatch(r"[ab]\.sh(:[1-9]\d*)?: .+\. .+", str(fault))
