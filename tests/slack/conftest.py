"""Fixtures of the Slack room: its HTTP door, and what it delivers to."""

import pytest

from bot.slack.front import Front
from tests.slack.doors import NOW, SECRET, Taken


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def front(taken: Taken) -> Front:
    return Front(SECRET, taken, clock=lambda: NOW, budget=0.2)
