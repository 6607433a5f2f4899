"""All files as one document: every item checked by itself, and remembered with its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct, field
from pydantic import ValidationError

from vxland.config.errors import ConfigError
from vxland.config.faults import faults, unknown_key
from vxland.config.fields import Table
from vxland.config.overlay_table import OverlayTable
from vxland.config.place import Place
from vxland.config.schema import (
    HEADERS,
    LISTS,
    TABLES,
    File,
    HttpTable,
    NodeTable,
    PeerTable,
    ReconcileTable,
)
from vxland.config.source import Sources
from vxland.config.wording import printable

NEEDED = {"overlay": "bridge", "peer": "address"}  # what an item can't be without, beside a name

T = TypeVar("T", bound=Table)


class Item(Struct, Generic[T], frozen=True):
    """One ``[[overlay]]`` or ``[[peer]]``, without keys that are ill-formed."""

    place: Place
    name: str
    table: T


class Fragment(Struct, frozen=True):
    """What is well-formed of an item that lacks something it needs: checked all the same."""

    place: Place
    name: str  # "" where it has none
    value: str | None  # a peer's address, an overlay's bridge


class Document(Struct, frozen=True):
    """What the files say together, as far as it is well-formed."""

    name: str  # of the main file
    node: NodeTable
    http: HttpTable
    reconcile: ReconcileTable
    overlays: tuple[Item[OverlayTable], ...]
    peers: tuple[Item[PeerTable], ...]
    fragments: Mapping[str, tuple[Fragment, ...]]  # "overlay" and "peer"
    places: Mapping[tuple[str, str], Place]  # where a table's key is, the last one
    names: Mapping[str, frozenset[str]]  # "overlay" and "peer": in ill-formed items too
    named: bool  # a name that isn't there isn't in the files either
    whole: bool  # nothing is ill-formed


def compose(path: Path, sources: Sources) -> tuple[Document, list[ConfigError]]:
    """Puts the files together: lists are appended, tables overridden key by key."""
    draft = _Draft(printable(str(path)))
    for file in sources.files:
        for name, value in file.data.items():
            draft.take(Place(file, (name,)), value)
    return draft.document(complete=not sources.errors), draft.errors


def _name(kind: str, raw: Mapping[str, Any]) -> str:
    """What an item is called, however ill-formed; "" where it has no name."""
    found = raw.get("name", raw.get("bridge") if kind == "overlay" else None)
    return found if isinstance(found, str) else ""


class _Draft(Struct):
    """A document in the making."""

    name: str
    errors: list[ConfigError] = field(default_factory=list)
    values: dict[str, dict[str, Any]] = field(default_factory=lambda: {name: {} for name in TABLES})
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    items: dict[str, list[Item[Any]]] = field(default_factory=lambda: {name: [] for name in LISTS})
    fragments: dict[str, list[Fragment]] = field(
        default_factory=lambda: {name: [] for name in LISTS}
    )
    names: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in LISTS})
    named: bool = True

    def take(self, place: Place, value: object) -> None:
        """Takes in a key of a file's top level."""
        if place.table in TABLES:
            self._table(place, value)
        elif place.table in LISTS:
            self._list(place, value)
        else:
            self.named = False  # it may be a list under a wrong name
            self.errors.append(unknown_key(place, File.model_fields))

    def _table(self, place: Place, raw: object) -> None:
        name = place.table
        table = self._checked(TABLES[name], place, raw)
        if isinstance(raw, dict):
            self.places |= {(name, key): place.at(key) for key in raw}
        if table is not None:
            self.values[name] |= {key: getattr(table, key) for key in table.model_fields_set}

    def _list(self, place: Place, raw: object) -> None:
        kind = place.table
        if not isinstance(raw, list):
            cure = f"Write {HEADERS[kind]}, in two brackets: there can be several"
            self.errors.append(place.error("is not a list of tables", cure, raw))
            self.named = False
            return
        for index, item in enumerate(raw):
            name = _name(kind, item) if isinstance(item, dict) else ""
            self.names[kind].add(name)
            self.named = self.named and bool(name)
            where = Place(place.file, (kind, index), name, len(raw))
            table = self._checked(LISTS[kind], where, item)
            if table is not None:
                self.items[kind].append(Item(where, name, table))
            elif isinstance(item, dict):
                value = item.get(NEEDED[kind])
                value = value if isinstance(value, str) else None
                self.fragments[kind].append(Fragment(where, name, value))

    def _checked(self, table: type[T], place: Place, raw: object) -> T | None:
        if not isinstance(raw, dict):
            cure = f"Write {HEADERS[place.table]}, with its keys below it"
            self.errors.append(place.error("is not a table", cure, raw))
            return None
        try:
            return table.model_validate(raw)
        except ValidationError as invalid:
            self.errors.extend(faults(invalid, table, place))
            wrong = {details["loc"][0] for details in invalid.errors(include_url=False)}
        # The rest is checked all the same, so that all errors are told at once.
        required = {"name", *(key for key, f in table.model_fields.items() if f.is_required())}
        if wrong & required:
            return None
        return table.model_validate({key: raw[key] for key in raw.keys() - wrong})

    def document(self, *, complete: bool) -> Document:
        """What it has become."""
        return Document(
            name=self.name,
            node=NodeTable.model_validate(self.values["node"]),
            http=HttpTable.model_validate(self.values["http"]),
            reconcile=ReconcileTable.model_validate(self.values["reconcile"]),
            overlays=tuple(cast("list[Item[OverlayTable]]", self.items["overlay"])),
            peers=tuple(cast("list[Item[PeerTable]]", self.items["peer"])),
            fragments={kind: tuple(found) for kind, found in self.fragments.items()},
            places=self.places,
            names={kind: frozenset(names - {""}) for kind, names in self.names.items()},
            named=complete and self.named,
            whole=complete and not self.errors,
        )
