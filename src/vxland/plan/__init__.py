"""The difference between what is and what should be, as operations in a safe order."""

from vxland.plan.memory import Memory
from vxland.plan.planner import Plan, plan, plan_teardown

__all__ = ["Memory", "Plan", "plan", "plan_teardown"]
