"""``vxland plan``: what would change."""

import json
from argparse import Namespace

from vxland import shell
from vxland.commands.trouble import explained
from vxland.kernel.linux import LinuxKernel
from vxland.outlook import look
from vxland.plan import Plan
from vxland.plan.disturbance import by_disturbance
from vxland.problems import Kind
from vxland.status.build import problem_json

NOTHING, CHANGES, BLOCKED = 0, 2, 1


def run(options: Namespace) -> int:
    """0 nothing to do, 2 changes, 1 error, or nothing that can be done."""
    with explained(options), LinuxKernel() as kernel:
        plan = look(options.config, kernel, adopt=options.adopt).plan
    if options.json:
        print(json.dumps(_json(plan), indent=2))
    elif options.commands:
        _print_problems(plan, comment="# ")
        print("\n".join(shell.commands(plan)))
    else:
        _print(plan)
    if plan.operations:
        return CHANGES
    return NOTHING if plan.in_sync else BLOCKED


def _json(plan: Plan) -> dict[str, object]:
    return {
        "operations": [
            {
                "phase": operation.phase.name.lower(),
                "overlay": operation.overlay,
                "device": operation.device,
                "what": str(operation),
                "disturbance": disturbance.name.lower(),
            }
            for disturbance, operations in by_disturbance(plan).items()
            for operation in operations
        ],
        "problems": [problem_json(problem) for problem in plan.problems],
    }


def _print(plan: Plan) -> None:
    for disturbance, operations in by_disturbance(plan).items():
        if operations:
            print(f"{disturbance.value}:")
            print("".join(f"  {operation}\n" for operation in operations))
    if not plan.operations:
        print("nothing to do" if plan.in_sync else "nothing that can be done")
    _print_problems(plan)


def _print_problems(plan: Plan, comment: str = "") -> None:
    for problem in plan.problems:
        word = "note" if problem.kind is Kind.HINT else problem.kind.value
        print(f"{comment}{word}: {problem}")
