"""What must hold between the parts of a document: one function a rule, one line here."""

from collections.abc import Callable, Iterator

from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.rules import (
    addresses,
    advice,
    collisions,
    duplicates,
    limits,
    modes,
    names,
    ports,
    references,
    tls,
)

Rule = Callable[[Document], Iterator[ConfigError]]

RULES: tuple[Rule, ...] = (
    names.overlay_names,
    names.peer_names,
    names.node_name,
    names.bridges,
    names.other_devices,
    addresses.peer_addresses,
    addresses.node_address,
    addresses.overlay_addresses,
    addresses.shared_link_local,
    duplicates.overlay_names,
    duplicates.bridges,
    duplicates.peer_names,
    duplicates.peer_addresses,
    duplicates.overlay_addresses,
    duplicates.explicit_vnis,
    references.overlays_of_peers,
    references.node_among_peers,
    references.pairs,
    modes.numbers,
    modes.pairs,
    modes.learning,
    modes.guards,
    limits.vni_range,
    limits.bridge_ports,
    limits.one_index_overlay,
    ports.exclusive,
    tls.certificates,
)

# What is looked for on every node, which takes the square of the peers. A node that is to be what
# the file says looks at itself (``vxland.clashes``).
EVERYWHERE: tuple[Rule, ...] = (collisions.collisions,)

ADVICE: tuple[Rule, ...] = (
    advice.nothing_to_do,
    advice.lonely_overlays,
    advice.index_without_learning,
    advice.shared_without_learning,
    advice.two_ports_without_guard,
    advice.underlay_in_overlay,
    advice.apart,
    advice.open_to_strangers,
)


def violations(document: Document, *, everywhere: bool) -> list[ConfigError]:
    """Everything that is wrong; what other nodes' tunnels would meet if ``everywhere``."""
    rules = (*RULES, *EVERYWHERE) if everywhere else RULES
    return [error for rule in rules for error in rule(document)]


def warnings(document: Document) -> list[ConfigError]:
    """Everything that is valid, and yet unlikely to be meant."""
    return [warning for rule in ADVICE for warning in rule(document)]
