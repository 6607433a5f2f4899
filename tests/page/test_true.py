"""The stories are told as the daemon tells them."""

import pytest

from tests.core.test_status import strict
from tests.page.stories import STORIES
from vxland.events import EventsJson
from vxland.status import NodeStatus
from vxland.status.shape import ErrorStatus


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_as_the_daemon_would_tell_it(name: str) -> None:
    story = STORIES[name]()
    for overlay in story.status.get("overlays", []):
        for tunnel in overlay["tunnels"]:
            del tunnel["step"]  # the desk's own
    shape = ErrorStatus if "error" in story.status else NodeStatus
    strict(shape).model_validate(story.status)
    strict(EventsJson).model_validate({"events": story.events})
