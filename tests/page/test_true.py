"""The stories are told as the daemon tells them."""

import pytest
from msgspec.structs import replace

from tests.core.test_hints import guest, the_hint, with_ports
from tests.core.test_report import desired
from tests.core.test_status import strict
from tests.fake.wishes import led_to
from tests.page.samples import MADE
from tests.page.stories import NOTHING, STORIES, TOO_LARGE
from vxland.history.events import EventsJson
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import CreateVtep
from vxland.plan import plan
from vxland.status.shape import ErrorStatus, NodeStatus


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_as_the_daemon_would_tell_it(name: str) -> None:
    story = STORIES[name]()
    for overlay in story.status.get("overlays", []):
        for tunnel in overlay["tunnels"]:
            del tunnel["step"]  # the desk's own
    shape = ErrorStatus if "error" in story.status else NodeStatus
    strict(shape).model_validate(story.status)
    strict(EventsJson).model_validate({"events": story.events})


def test_its_texts_are_the_daemons() -> None:
    """Word for word, so that what the page makes of them is what people see."""
    for story, real in (
        (TOO_LARGE, the_hint(with_ports(guest("veth1")))),
        (NOTHING, plan(Observed(), Desired("", ())).problems[0]),
    ):
        told = (real.text, real.cure, real.overlay, real.peer, real.device)
        assert tuple(story[key] for key in ("text", "cure", "overlay", "peer", "device")) == told
    (vtep,) = desired().overlays[0].vteps
    assert (
        str(
            CreateVtep(
                "lan",
                "vxl-lan-lxd2",
                led_to(replace(vtep, vni=4711), "lxd2", "198.51.100.2"),
            )
        )
        == MADE
    )
