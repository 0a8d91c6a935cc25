"""For the whole suite: what it pretends is secret, and what it pretends that people write, is found nowhere (S16)."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.canaries import CANARIES, Watch


def pytest_configure() -> None:
    """Before any test module makes a secret. How long an example takes is the machine's business."""
    CANARIES.install()
    settings.register_profile("any machine", deadline=None)
    settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def canaries(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """The watch of this test; at its end nothing may be where it does not belong."""
    watch = CANARIES.watch = Watch()
    yield watch
    for _when, place, words in request.node._report_sections:
        if place in {"stdout", "stderr"}:
            watch.see(place, words)
    assert [] == watch.found()
