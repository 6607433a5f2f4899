"""What can be done to the kernel, one small value each, in the order that keeps it loop-free.

An operation names its device; what a number of them need to know to be carried out is in them.
Carrying out is the business of ``vxland.kernel``, printing as commands that of ``vxland.shell``;
each has one table with a line for each class here.
"""

from vxland.operations.adopting import Adopt, AdoptBridge, PinMac
from vxland.operations.bridges import (
    AddAddress,
    CreateBridge,
    RaiseBridge,
    Reattach,
    RemoveAddress,
)
from vxland.operations.counting import (
    AddCounters,
    MakeTally,
    RemoveCounters,
    WriteTallyRules,
)
from vxland.operations.devices import (
    AddAltname,
    Attach,
    BringUp,
    ClearFlag,
    DeleteAbroad,
    DeleteLink,
    NoLinkLocal,
    RemoveAltname,
    Rename,
    ResetFlag,
    SetAlias,
    SetMac,
    SetMtu,
    TakeDown,
)
from vxland.operations.filtering import (
    ChangeIngress,
    MakeIngress,
    TrimIngress,
    WriteIngressRules,
)
from vxland.operations.guarding import (
    ClaimTable,
    FillTable,
    Isolate,
    MakeTable,
    RemoveChain,
    RemoveTable,
    RetireRules,
    TrimChain,
    TrimTable,
    Unisolate,
    WriteChain,
)
from vxland.operations.operation import PLACE, Guarding, Operation, Phase, Step
from vxland.operations.vxlan import (
    AppendFlood,
    CreateVtep,
    RemoveFdb,
    SetLocal,
    SetOption,
    SetRemote,
)

__all__ = [
    "PLACE",
    "AddAddress",
    "AddAltname",
    "AddCounters",
    "Adopt",
    "AdoptBridge",
    "AppendFlood",
    "Attach",
    "BringUp",
    "ChangeIngress",
    "ClaimTable",
    "ClearFlag",
    "CreateBridge",
    "CreateVtep",
    "DeleteAbroad",
    "DeleteLink",
    "FillTable",
    "Guarding",
    "Isolate",
    "MakeIngress",
    "MakeTable",
    "MakeTally",
    "NoLinkLocal",
    "Operation",
    "Phase",
    "PinMac",
    "RaiseBridge",
    "Reattach",
    "RemoveAddress",
    "RemoveAltname",
    "RemoveChain",
    "RemoveCounters",
    "RemoveFdb",
    "RemoveTable",
    "Rename",
    "ResetFlag",
    "RetireRules",
    "SetAlias",
    "SetLocal",
    "SetMac",
    "SetMtu",
    "SetOption",
    "SetRemote",
    "Step",
    "TakeDown",
    "TrimChain",
    "TrimIngress",
    "TrimTable",
    "Unisolate",
    "WriteChain",
    "WriteIngressRules",
    "WriteTallyRules",
]
