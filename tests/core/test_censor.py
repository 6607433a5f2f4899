"""What people write where it doesn't belong, and what stays of it."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxland.bugreport.censor import REMOVED, Censor, without_comments, without_environment

PLAIN = Censor()
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\nEEIL\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("password = 'hunter22'", f"password = {REMOVED}"),
        ('DB_PASSWORD="a b c" # x', f"DB_PASSWORD={REMOVED} # x"),
        ('{"api-key": "12345678", "n": 1}', f'{{"api-key": {REMOVED}, "n": 1}}'),
        (
            "net.ipv6.conf.all.stable_secret = fe80::1",
            f"net.ipv6.conf.all.stable_secret = {REMOVED}",
        ),
        ("Authorization-Token: abc", f"Authorization-Token: {REMOVED}"),
        ("see https://me:pa55@example.org/x", f"see https://{REMOVED}@example.org/x"),
        (f"before\n{KEY}\nafter", f"before\n{REMOVED}\nafter"),
        (KEY[:40], REMOVED),
    ],
)
def test_secrets_go(written: str, left: str) -> None:
    assert PLAIN.clean(written) == left


@pytest.mark.parametrize(
    "text",
    [
        'tls_key = "/etc/vxland/server.key"',
        "udp csum true ttl auto ageing 300",
        "https://example.org/a@b",
        "vxl-lan-lxd2: flags=4163 mtu 1450",
        "the password is asked for",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert PLAIN.clean(text) == text


def test_a_secret_goes_wherever_it_is_said_again() -> None:
    """But not one that is so short that any text has it."""
    censor = Censor.of(['password = "hunter22"', "secret = abc", "token = hunter22-longer"])
    assert censor.clean("peer hunter22-longer, hunter22, abc") == f"peer {REMOVED}, {REMOVED}, abc"


COMMENTED = """\
# a password: hunter2
[[overlay]]  # "quoted" hunter2
name = "a#b"  # it's hunter2
bridge = 'c#d' # hunter2
key = "e\\"#f" #hunter2
"""


def test_comments_go_and_lines_stay() -> None:
    """What is in a string is no comment."""
    left = without_comments(COMMENTED)
    assert "hunter2" not in left
    assert len(left.splitlines()) == len(COMMENTED.splitlines())
    assert tomllib.loads(left) == tomllib.loads(COMMENTED)


@pytest.mark.parametrize(
    "broken",
    [
        'name = "lan # hunter2',
        "name = it's # hunter2, don't tell",
        'name = """ # hunter2\n',
        "name = ''' # hunter2\n more",
    ],
)
def test_comments_go_where_quotes_are_wrong(broken: str) -> None:
    assert "hunter2" not in without_comments(broken)


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    """Nothing that passed once is changed when it passes again."""
    once = PLAIN.clean(without_environment(without_comments(text)))
    assert once.count("\n") <= text.count("\n")


UNIT = """\
# /etc/systemd/system/vxland.service.d/mine.conf
# hunter2 is the password
; hunter2
[Service]
Environment=A=hunter2 \\
  B=hunter2
ExecStart=/usr/bin/vxland run
"""


def test_a_units_variables_and_comments_go() -> None:
    """The path of each file stays."""
    assert without_environment(UNIT) == (
        "# /etc/systemd/system/vxland.service.d/mine.conf\n#\n#\n[Service]\n"
        f"Environment={REMOVED}\nExecStart=/usr/bin/vxland run\n"
    )
