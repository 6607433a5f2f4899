"""The difference between what is and what should be, as operations in a safe order."""

from vxland.plan.memory import Memory
from vxland.plan.planner import Plan, plan, plan_teardown
from vxland.plan.planning import Narrow, Planning
from vxland.plan.standing import View

__all__ = ["Memory", "Narrow", "Plan", "Planning", "View", "plan", "plan_teardown"]
