"""What only running a script would tell, or what no configuration can be, is named."""

import re

import pytest

from tests.core.edited_scripts import LIST, LOCAL, PLAIN, edited, faults
from tests.scripts.vxlansetup import script
from vxland.script.setup import LARGEST

ONE_LINE, PLAIN_LINES = LIST.strip(), PLAIN.strip()

REFUSED = {  # lines in place of others, and what is said: where, and a part of it
    "a command's output": (
        f"LOCALIP={LOCAL}",
        "LOCALIP=$(hostname -I | awk '{print $1}')",
        "a.sh:2: LOCALIP: this is the output of a command, which isn't run. Write",
    ),
    "backquotes": (ONE_LINE, "REMOTEIPS=(`cat list`)", "a.sh:3: REMOTEIPS: this is the output of"),
    "in quotes": (
        ONE_LINE,
        'REMOTEIPS=("$(cat list)")',
        "a.sh:3: REMOTEIPS: this is the output of",
    ),
    "in another": (
        f"LOCALIP={LOCAL}",
        "ME=$(hostname -I)\nLOCALIP=$ME",
        "a.sh:2: LOCALIP: this is the output of",
    ),
    "on a later line": (ONE_LINE, "REMOTEIPS=(\n1.2.3.4\n$(x))", "a.sh:5: REMOTEIPS: this is"),
    "after a continued line": (
        ONE_LINE,
        "X=1 \\\n Y=2\nREMOTEIPS=($(x))",
        "a.sh:5: REMOTEIPS: this",
    ),
    "arithmetic": ("PORT=4789", "PORT=$((4788 + 1))", "a.sh:7: PORT: this is computed"),
    "old arithmetic": ("PORT=4789", "PORT=$[4789]", "a.sh:7: PORT: this is computed"),
    "arithmetic on the side": ("PORT=4789", "((PORT = 4789))", "a.sh:7: PORT: is computed"),
    "arithmetic by let": ("PORT=4789", "let PORT=4789", "a.sh:7: PORT: is assigned by let"),
    "a number that is computed": ("PORT=4789", "declare -i PORT=4788+1", "a.sh:7: PORT: this is"),
    "the environment": ("PORT=4789", "PORT=$VXLAN_PORT", "a.sh:7: PORT: $VXLAN_PORT isn't"),
    "an argument": (f"LOCALIP={LOCAL}", "LOCALIP=$1", "a.sh:2: LOCALIP: $1 is known only to"),
    "another file before": (
        "DRYRUN=no",
        "source /etc/vxlan.conf",
        "a.sh:8: LOCALIP: another file is read here, which may assign anything. Assign the",
    ),
    "another file, perhaps": ("DRYRUN=no", "[ -f x ] && . x", "a.sh:8: REMOTEIPS: another file"),
    "another file alone": (PLAIN_LINES, ". /etc/vxlan.conf", "a.sh:2: PORT: another file"),
    "another file's default": (
        "PORT=4789",
        ". x\nPORT=${PORT:-4789}",
        "a.sh:7: PORT: another file is read here",
    ),
    "eval": ("DRYRUN=no", 'eval "$OPTIONS"', "a.sh:8: PORT: eval may assign anything"),
    "eval in a function": ("DRYRUN=no", "f() { eval PORT=$1; }", "a.sh:8: PORT: the function f as"),
    "a condition": (
        "PORT=4789",
        'PORT=4789\nif [ "$1" = x ]; then PORT=8472; fi',
        "a.sh:8: PORT: is assigned under a condition or in a loop. Assign it once",
    ),
    "a short condition": ("PORT=4789", "[ $1 ] && PORT=4789", "a.sh:7: PORT: is assigned under"),
    "a case": (
        ONE_LINE,
        "case $1 in a) REMOTEIPS=(1.2.3.4);; esac",
        "a.sh:3: REMOTEIPS: is assigned",
    ),
    "a loop": (ONE_LINE, "for i in 2 3; do REMOTEIPS+=(10.0.0.$i); done", "a.sh:3: REMOTEIPS: is"),
    "a loop's variable": ("PORT=4789", "for PORT in 1 2; do :; done", "a.sh:7: PORT: is a loop's"),
    "a function": ("PORT=4789", "set_up() {\n PORT=4789\n}", "a.sh:8: PORT: the function set_up"),
    "a function's own": ("DRYRUN=no", "f() { local PORT=1; }", "a.sh:8: PORT: the function f assi"),
    "a function that is called": (
        "PORT=4789",
        "f() { P=1; }\ng() { f; }\nP=4789\ng\nPORT=$P",
        "a.sh:7: PORT: is assigned in a function",
    ),
    "reading": (
        ONE_LINE,
        "mapfile -t REMOTEIPS < list",
        "a.sh:3: REMOTEIPS: is assigned by mapfile",
    ),
    "printf": ("PORT=4789", "printf -v PORT %d 4789", "a.sh:7: PORT: is assigned by printf"),
    "where it is used": ("PORT=4789", "true ${PORT:=4789}", "a.sh:7: PORT: is assigned where it"),
    "unset": ("DRYRUN=no", "unset PORT", "a.sh:8: PORT: is unset"),
    "for one command": ("DRYRUN=no", "PORT=1 true", "a.sh:8: PORT: is assigned"),
    "read-only": ("PORT=4789", "readonly PORT=1\nPORT=4789", "a.sh:8: PORT: PORT is read-only"),
    "upper case": ("BRIDGE_DEV=vxbr0", "declare -l BRIDGE_DEV=X", "a.sh:5: BRIDGE_DEV: vxland doe"),
    "by name": (
        ONE_LINE,
        "declare -A REMOTEIPS=([a]=1.2.3.4)",
        "a.sh:3: REMOTEIPS: [a] isn't a plain",
    ),
    "local outside": ("PORT=4789", "local PORT=4789", "a.sh:7: PORT: local works in functions"),
    "cut": ("PORT=4789", "X=4789x\nPORT=${X%x}", "a.sh:8: PORT: vxland doesn't work out ${X%x…}"),
    "counted": ("PORT=4789", "PORT=${#REMOTEIPS[@]}", "a.sh:7: PORT: vxland doesn't work out ${#"),
    "a tilde": ("BRIDGE_DEV=vxbr0", "BRIDGE_DEV=~lan", "a.sh:5: BRIDGE_DEV: ~ may stand"),
    "unicode": ("BRIDGE_DEV=vxbr0", "BRIDGE_DEV=$'\\u0061'", "a.sh:5: BRIDGE_DEV: vxland doesn't"),
    "IFS": (ONE_LINE, 'IFS=,\nA="1,2"\nREMOTEIPS=($A)', "a.sh:5: REMOTEIPS: this is split where"),
    "no such element": (
        ONE_LINE,
        "A=(1)\nREMOTEIPS=(${A[3]})",
        "a.sh:4: REMOTEIPS: ${A[3]} has no",
    ),
    "an element an array": (
        ONE_LINE,
        "REMOTEIPS[0]=(1.2.3.4)",
        "a.sh:3: REMOTEIPS: an element can't",
    ),
    "an element where used": (
        "PORT=4789",
        ": ${P[1]:=4789}\nPORT=$P",
        "a.sh:7: PORT: this assigns",
    ),
    "adding by index": (
        ONE_LINE,
        "REMOTEIPS=([0]+=1.2.3.4)",
        "a.sh:3: REMOTEIPS: vxland doesn't work",
    ),
    "braces by index": (
        ONE_LINE,
        "REMOTEIPS=([0]={a,b})",
        "a.sh:3: REMOTEIPS: vxland doesn't work out",
    ),
    "braces exported": ("PORT=4789", "export PORT={1,2}", "a.sh:7: PORT: export takes braces"),
    "many exported": ("PORT=4789", "export PORT={1..99999}", "a.sh:7: PORT: export takes braces"),
    "a strange index": (ONE_LINE, "REMOTEIPS=([1+1]=1.2.3.4)", "a.sh:3: REMOTEIPS: [1+1] isn't"),
    "an operator": (
        ONE_LINE,
        "REMOTEIPS=(<(x))",
        "a.sh:3: REMOTEIPS: this isn't a plain value: it",
    ),
    "too many": (
        ONE_LINE,
        "REMOTEIPS=(10.0.{0..255}.{0..255})",
        "a.sh:3: REMOTEIPS: this stands for",
    ),
    "a long row": (ONE_LINE, "REMOTEIPS=(10.{0..99999}.1.1)", "a.sh:3: REMOTEIPS: this stands for"),
    "not assigned": ("PORT=4789\n", "", "a.sh: PORT: isn't assigned in this file. Assign it"),
    "renamed": (
        ONE_LINE,
        "REMOTE_IPS=(1.2.3.4)",
        "a.sh: REMOTEIPS: isn't assigned in this file. Is it",
    ),
    "a string": (
        ONE_LINE,
        'REMOTEIPS="1.2.3.4 1.2.3.5"',
        "a.sh:3: REMOTEIPS: is one string, not an arr",
    ),
    "empty": (ONE_LINE, "REMOTEIPS=()", "a.sh:3: REMOTEIPS: is empty, so there is no tunnel"),
    "a gap": (
        ONE_LINE,
        "REMOTEIPS=([0]=1.2.3.4 [2]=1.2.3.5)",
        "a.sh:3: REMOTEIPS: nothing has the ind",
    ),
    "no address": (
        ONE_LINE,
        "REMOTEIPS=(1.2.3)",
        "a.sh:3: REMOTEIPS: '1.2.3' is not an IP address",
    ),
    "a comma": (
        ONE_LINE,
        "REMOTEIPS=(1.2.3.4, 1.2.3.5)",
        "a.sh:3: REMOTEIPS: '1.2.3.4,' is neither",
    ),
    "no number": ("PORT=4789", "PORT=vxlan", "a.sh:7: PORT: 'vxlan' isn't a port's number"),
    "a port too high": ("PORT=4789", "PORT=65536", "a.sh:7: PORT: '65536' isn't a port's"),
    "a number by another name": (
        f"LOCALIP={LOCAL}",
        "LOCALIP=lxd1",
        "'lxd1' is a host name. Write",
    ),
    "no address of its own": (f"LOCALIP={LOCAL}", "LOCALIP=::", "LOCALIP: '::' is the unspecified"),
    "no device": ("BRIDGE_DEV=vxbr0", 'BRIDGE_DEV="a b"', "a.sh:5: BRIDGE_DEV: 'a b' can't be a"),
    "no bridge": ("BRIDGE_DEV=vxbr0", "BRIDGE_DEV=", "a.sh:5: BRIDGE_DEV: '' can't be a"),
    "itself": (
        ONE_LINE,
        f"REMOTEIPS=(1.2.3.4 {LOCAL})",
        "a.sh:3: REMOTEIPS has this server itself, 203",
    ),
    "one twice": (
        ONE_LINE,
        "REMOTEIPS=(1.2.3.4 1.2.3.4)",
        "has 1.2.3.4 more than once, at positions 0,",
    ),
    "another family": (
        ONE_LINE,
        "REMOTEIPS=(2001:db8::1)",
        "a.sh:3: REMOTEIPS has 2001:db8::1, which",
    ),
    "no end": (ONE_LINE, "REMOTEIPS=(1.2.3.4", "this isn't understood. See"),
    "two in a row": (ONE_LINE, "REMOTEIPS=(1.2.3.4)PORT=1", "a.sh:3: this isn't understood. See"),
    "a blank for a value": (ONE_LINE, "X=\\ \ntrue", "a.sh:3: this isn't understood. See"),
    "other numbers": (
        "DRYRUN=no",
        "ip link add x type vxlan id $((i+100)) dev y",
        "a.sh:8: VNIs are",
    ),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_known_is_named(refused: tuple[str, str, str]) -> None:
    """With its line, and what to do."""
    line, instead, expected = refused
    told = faults(edited(line, instead))
    assert expected in told
    for said in told.splitlines():
        assert re.fullmatch(r"a\.sh(:\d+)?: [^\n]+\. [A-Z][^\n]+", said), said


def test_everything_is_told_at_once() -> None:
    told = faults(script("LOCALIP=$1\nREMOTEIPS=(x_y)\nPORT=0\n"))
    assert len(told.splitlines()) == 4


def test_a_file_that_is_no_script_is_refused() -> None:
    assert "larger than 256 KiB" in faults("#" * (LARGEST + 1))
    assert "nested too deeply" in faults("A=" + "${A:-" * 5000 + "}" * 5000)
    doubled = "A=xxxxxxxxxxxxxxxx\n" + "A=$A$A\n" * 40
    assert "too much to work out" in faults(f"{doubled}PORT=$A\n")
