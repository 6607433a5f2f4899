"""The state of the node as a person, or a program reading JSON, wants to see it."""

from vxland.status.build import Counts, Past, past, problem_json, report_status
from vxland.status.shape import ErrorStatus, Json, NodeStatus

__all__ = [
    "Counts",
    "ErrorStatus",
    "Json",
    "NodeStatus",
    "Past",
    "past",
    "problem_json",
    "report_status",
]
