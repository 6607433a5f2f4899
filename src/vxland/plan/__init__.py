"""The difference between what is and what should be, as operations in a safe order."""

from vxland.plan.memory import Memory
from vxland.plan.planner import Plan, plan, plan_teardown
from vxland.plan.planning import Narrow, Planning

__all__ = ["Memory", "Narrow", "Plan", "Planning", "plan", "plan_teardown"]
