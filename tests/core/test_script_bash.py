"""What vxland makes of assignments without running them is what bash makes of them."""

import subprocess
from collections.abc import Mapping
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from vxland.script.environment import Misread, Unknown
from vxland.script.statements import variables
from vxland.script.syntax import parse

NAMES = ("A", "B", "C")
SHOW = r"""
for name in A B C; do
  declare -n shown=$name
  for index in "${!shown[@]}"; do printf '%s\0%s\0%s\0' "$name" "$index" "${shown[$index]}"; done
done
"""

names = st.sampled_from(NAMES)
plain = st.text("ab1.:-_[]=+#%@,{}", min_size=1, max_size=6)
parts = st.one_of(
    plain,
    st.sampled_from(["\\ ", "\\#", "\\$", "\\\\", '\\"', "\\'", "\\{", "\\a", "\\\n", "''", '""']),
    st.text('ab \n"\\#{},$', max_size=5).map(lambda text: f"'{text}'"),
    st.text("ab \n'#{},", max_size=5).map(lambda text: f'"{text}"'),
    st.text("ab", max_size=2).map(lambda text: f"$'{text}\\t\\x41\\'\\101'"),
    names.map(lambda name: f"${name}"),
    names.map(lambda name: f"${{{name}}}"),
    names.map(lambda name: f'"x ${name} ${{{name}}}"'),
    names.map(lambda name: f"${{{name}[1]}}"),
    names.map(lambda name: f"${{{name}[@]}}"),
    names.map(lambda name: f'"${{{name}[@]}}"'),
    names.map(lambda name: f'"y${{{name}[*]}}z"'),
    names.map(lambda name: f"${{{name}:-d e}}"),
    names.map(lambda name: f'"${{{name}-"d e"}}"'),
    st.sampled_from(
        [
            "{1..3}",
            "{08..10}",
            "{a,b}",
            "{a,{b,c}}",
            "{,x}",
            "{3..1}",
            "{1..9..4}",
            "{a..c}",
            "{C..A..2}",
        ]
    ),
)
values = st.lists(parts, max_size=3).map("".join)
elements = st.lists(
    st.one_of(values, values, st.integers(0, 4).flatmap(lambda n: values.map(f"[{n}]=".__add__))),
    max_size=4,
)
gaps = st.sampled_from([" ", "\n", " # x 'y\n", "  \\\n  "])
arrays = st.tuples(elements, gaps).map(lambda both: f"({both[1].join(['', *both[0], ''])})")
targets = st.one_of(names, names, names.map("{}[1]".format))
statements = st.one_of(
    st.tuples(names, st.sampled_from(["=", "+="]), st.one_of(values, arrays)).map("".join),
    st.tuples(targets, st.sampled_from(["=", "+="]), values).map("".join),
    st.tuples(st.sampled_from(["export ", "declare -a ", "readonly ", "declare "]), names).map(
        "".join
    ),
    st.tuples(st.sampled_from(["export ", "declare "]), names, st.just("="), values).map("".join),
    names.map(": ${{{}:=d}}".format),
    st.tuples(names, values).map(lambda both: f"if true; then {both[0]}={both[1]}; fi"),
    st.tuples(names, values).map(lambda both: f"set() {{ local {both[0]}={both[1]}; }}"),
    names.map("unset {}".format),
    st.just(": # it's"),
)
scripts = st.lists(
    st.tuples(statements, st.sampled_from(["\n", "; ", " # it's\n", "\n\n"])).map("".join),
    min_size=1,
    max_size=6,
).map("".join)


def by_bash(script: str) -> dict[str, dict[int, str]] | None:
    """What the variables hold in the end; None where bash doesn't take the script."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            ["/bin/bash", "--norc", "--noprofile", "-c", f"{script}\n{SHOW}"],
            capture_output=True,
            check=False,
            cwd=folder,  # where no file is that a pattern could stand for
            env={"PATH": folder, "LC_ALL": "C.UTF-8"},
            timeout=30,
        )
    if done.returncode != 0 or done.stderr:
        return None
    shown = done.stdout.decode().split("\0")[:-1]
    found: dict[str, dict[int, str]] = {}
    for name, index, value in zip(shown[::3], shown[1::3], shown[2::3], strict=True):
        found.setdefault(name, {})[int(index)] = value
    return found


@given(scripts)
@examples(400)
def test_values_are_bashs(script: str) -> None:
    """Where vxland gives a value at all, and none is assigned after the first use."""
    try:
        found = variables(parse(script.encode()), NAMES)
    except Misread:
        return
    expected = by_bash(script)
    if expected is None:
        return
    for name, value in found.values.items():
        if not isinstance(value, Unknown) and name not in found.late:
            elements = value if isinstance(value, Mapping) else {0: value}
            assert elements == expected.get(name, {}), f"{name} in {script!r}"
