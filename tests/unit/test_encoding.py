"""Messages put together from parts are byte for byte those that pyroute2 makes in one piece."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.samples import NEW, SCENES
from vxland import operations as ops
from vxland.identity import GROUP
from vxland.kernel import encoding, messages, vxlan
from vxland.kernel.directory import Directory
from vxland.kernel.encoding import Attribute, Form
from vxland.kernel.messages import MESSAGES
from vxland.kernel.wire import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL
from vxland.model import Vtep
from vxland.observed import NULL_MAC, FdbEntry
from vxland.operations import Operation
from vxland.settings import VxlanOptions

OPERATIONS = {
    step
    for scene in SCENES.values()
    for step in scene
    if isinstance(step, Operation) and type(step) in MESSAGES
}


class Numbers(dict[Any, int]):
    """Every device has a number."""

    def __missing__(self, key: object) -> int:
        return 1 + len(str(key))

    def get(self, key: object, default: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        del default
        return self[key] if len(str(key)) % 2 else 0


def whole(
    form: Form, kind: int, attributes: Sequence[Attribute], request: int, fields: Mapping[str, int]
) -> bytes:
    """The same message by pyroute2 alone."""
    message = getattr(import_module(form._module), form._name)()
    fields = dict(fields)
    if "index" in fields and "ifindex" in dict(message.fields):
        fields["ifindex"] = fields.pop("index")
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = list(attributes)
    message["header"]["type"] = kind
    message["header"]["flags"] = request
    message.encode()
    return bytes(message.data)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_same_bytes(kind: type[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time, and once it is known."""
    compared = []
    encode = Form.encode

    def both(
        form: Form,
        kind: int,
        attributes: Sequence[Attribute],
        *,
        request: int = 0,
        **fields: int,
    ) -> bytes:
        made = encode(form, kind, attributes, request=request, **fields)
        parts = [part for part in attributes if not isinstance(part, bytes)]
        filled = b"".join(part for part in attributes if isinstance(part, bytes))
        expected = whole(form, kind, parts, request, fields)
        assert made[4:] == expected[4:] + filled  # what is filled in stands last
        compared.append(made)
        return made

    monkeypatch.setattr(Form, "encode", both)
    for known in vars(messages).values():
        if hasattr(known, "cache_clear"):  # what was encoded for another operation
            known.cache_clear()
    for operation in (found for found in OPERATIONS if type(found) is kind):
        first, again = (
            MESSAGES[kind](operation, Directory(Numbers(), Numbers())) for _ in range(2)
        )
        assert first == again
    assert compared


def test_what_a_message_is_about() -> None:
    """A link's number, or its name before all else."""
    attributes: list[Attribute] = [("IFLA_MTU", 1450)]
    made = encoding.LINK.encode(messages.RTM_SETLINK, attributes)
    named: list[Attribute] = [("IFLA_IFNAME", "vxl-b"), *attributes]
    by_name = whole(encoding.LINK, messages.RTM_SETLINK, named, 0, {})
    by_number = whole(encoding.LINK, messages.RTM_SETLINK, attributes, 0, {"index": 7})
    assert encoding.about(made, "vxl-b", 0) == by_name
    assert encoding.about(made, "vxl-b", 7) == by_number


@pytest.mark.parametrize("destination", ["192.0.2.7", "2001:db8::7"])
def test_a_flood_entry(destination: str) -> None:
    """The destination is filled into what was encoded for another one."""
    numbers = Directory({"vxl": 7}, {})
    entry = FdbEntry(NULL_MAC, ip_address(destination))
    request = NLM_F_CREATE | NLM_F_APPEND
    expected = messages._fdb(numbers, "vxl", entry, messages.RTM_NEWNEIGH, request)
    made = MESSAGES[ops.AppendFlood](ops.AppendFlood("lan", "vxl", entry.destination), numbers)
    assert made == expected


@pytest.mark.parametrize("remote", ["192.0.2.7", "2001:db8::7", "fe80::7%eth0", None])
@pytest.mark.parametrize("options", [VxlanOptions(), VxlanOptions(ttl_inherit=True, tos=1)])
def test_a_tunnels_own_attributes(remote: str | None, options: VxlanOptions) -> None:
    """VNI and remote are filled into what was encoded for another tunnel."""
    address = ip_address(remote) if remote else None
    local = ip_address("2001:db8::1" if remote and ":" in remote else "192.0.2.1")
    for vni in (1, 0xFFFFFE):
        vtep = _led(replace(NEW, vni=vni, local=local, options=options), address)
        message = MESSAGES[ops.CreateVtep](ops.CreateVtep("lan", "new", vtep), Directory({}, {}))
        version = address.version if address else None
        _, *rest = vxlan.attributes(local, vtep.port, options, version, None)
        rest = [part for part in rest if "GROUP" not in str(part)]
        named = [vxlan.remote(address)] if address else []
        data: list[Attribute] = [("IFLA_VXLAN_ID", vni), *named, *rest]
        assert vxlan.local(local) in data
        attributes: list[Attribute] = [
            ("IFLA_IFNAME", "new"),
            ("IFLA_GROUP", GROUP),
            ("IFLA_ADDRESS", vtep.mac),
            ("IFLA_MTU", vtep.mtu),
            encoding.linkinfo("vxlan", data),
        ]
        request = NLM_F_CREATE | NLM_F_EXCL
        assert message == whole(encoding.LINK, encoding.RTM_NEWLINK, attributes, request, {})


def _led(vtep: Vtep, address: Any) -> Vtep:  # noqa: ANN401 - an address or none
    remotes = (replace(vtep.remotes[0], address=address),) if address else ()
    return replace(vtep, remotes=remotes, peer="b" if address else "*")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is forgotten rather than wrong."""
    monkeypatch.setattr(encoding, "KNOWN", 2)
    form = Form("pyroute2.netlink.rtnl.ifinfmsg", "ifinfmsg")
    seen = [form.attribute("IFLA_MTU", mtu) for mtu in (1, 2, 3, 1)]
    assert seen[0] == seen[3]
    assert len({*seen}) == 3
    assert len(form._known) <= 2
