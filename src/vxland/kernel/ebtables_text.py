"""What ebtables prints, and how the legacy one reads what it is told."""

import re
from collections.abc import Iterable, Iterator

from vxland.identity import CHAIN
from vxland.observed import EbtablesState, PortRule

FORWARD = "FORWARD"
FILTER = "filter"
TABLE = f"*{FILTER}"  # as -save prints it
RULE = re.compile(r"(?:-i (?P<source>\S+) )?(?:-o (?P<target>\S+) )?-j (?P<verdict>[A-Za-z0-9_-]+)")


def legacy_script(script: Iterable[str]) -> Iterator[str]:
    """The same script as ebtables-legacy-restore reads it, in one transaction too.

    Naming a chain doesn't empty it there, and the end of the input is what COMMIT is to the nft
    one.
    """
    for line in script:
        if line != "COMMIT":
            yield line
        if line.startswith(":"):
            yield f"-F {CHAIN}"


def parse(saved: str) -> EbtablesState:
    """The output of ebtables-save, as far as it concerns vxland."""
    table = ""
    policy = None
    rules: dict[str, list[PortRule]] = {CHAIN: [], FORWARD: []}
    for line in saved.splitlines():
        words = line.split()
        if line.startswith("*"):
            table = line[1:].strip()
        elif table != FILTER or not words:
            continue
        elif words[0] == f":{CHAIN}":
            policy = words[1]
        elif words[0] == "-A" and words[1] in rules:
            rules[words[1]].append(parse_rule(line.split(maxsplit=2)[2]))
    chain = None if policy is None else tuple(rules[CHAIN])
    return EbtablesState(chain, policy or "RETURN", tuple(rules[FORWARD]))


def parse_rule(text: str) -> PortRule:
    """A rule as ebtables-save prints it, without ``-A CHAIN``."""
    text = " ".join(text.split())
    found = RULE.fullmatch(text)
    if found is None:
        return PortRule(text, known=False)
    return PortRule(text, found["source"], found["target"], found["verdict"])
