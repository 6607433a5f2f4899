"""What pytest needs to know before it imports the contract's tests."""

import pytest

pytest.register_assert_rewrite("tests.contract.twins")
