"""What pytest needs to know before it imports the storm's tests."""

import pytest

pytest.register_assert_rewrite("tests.storm.watch")
