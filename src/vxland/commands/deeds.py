"""Carrying out a plan for somebody who watches."""

import json
import sys
from argparse import Namespace

from vxland.execution import Kernel, execute
from vxland.plan import Plan
from vxland.problems import Kind
from vxland.status.build import problem_json


def carry_out(plan: Plan, kernel: Kernel, options: Namespace) -> int:
    """Do it and print what was done and what wasn't; 0 if all is as wanted, else 1."""
    outcomes = execute(plan, kernel)
    failures = [outcome for outcome in outcomes if outcome.failure is not None]
    in_the_way = [problem for problem in plan.problems if problem.kind is not Kind.HINT]
    if options.json:
        print(
            json.dumps(
                {
                    "done": [str(o.operation) for o in outcomes if o.failure is None],
                    "failed": [o.failure.text for o in outcomes if o.failure is not None],
                    "problems": [problem_json(problem) for problem in plan.problems],
                },
                indent=2,
            )
        )
    else:
        for outcome in outcomes:
            if outcome.failure is None:
                print(outcome.operation)
            elif not outcome.failure.skipped:
                print(f"vxland: {outcome.failure}", file=sys.stderr)
        for problem in plan.problems:
            print(problem, file=sys.stderr if problem in in_the_way else sys.stdout)
        if not plan.operations and not in_the_way:
            print("nothing to do")
    return 1 if failures or in_the_way else 0
