"""Makes the asserts of the inherited suites readable."""

import pytest

pytest.register_assert_rewrite(
    "tests.adapters.conformance",
    "tests.adapters.conformance_messages",
    "tests.adapters.conformance_opening",
    "tests.adapters.conformance_tickets",
    "tests.adapters.conformance_wire",
    "tests.adapters.replay",
)
