"""Makes the product's chance, clocks and secrets follow from the seed while a schedule is lived."""

import gc
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from bot.conversion import messages, pull, tickets, worker as worker_module
from bot.store import breakers, connection, lanes as lanes_module
from tests.simulation.loop import Clock, SimLoop, virtual_time

_source = cache(connection.source)


@contextmanager
def steady(chance: random.Random, noise: str, loop: SimLoop) -> Iterator[None]:
    """Chance, time and secrets of the product from the seed; its texts of scripts read from disk once."""
    hexes = SimpleNamespace(token_hex=lambda size: f"{chance.getrandbits(size * 8):0{size * 2}x}")
    patched: list[tuple[Any, str, Any]] = [
        (lanes_module, "secrets", hexes),
        (lanes_module, "random", chance),
        (
            lanes_module,
            "LOOK",
            timedelta(seconds=4),
        ),  # looks at which nothing is due are most of what would be simulated
        (worker_module, "POLL", timedelta(seconds=4)),
        (breakers, "random", chance),
        (connection, "source", _source),
        (messages, "datetime", Clock),
        (tickets, "datetime", Clock),
        (pull, "datetime", Clock),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in patched]
    state = random.getstate()
    random.seed(noise)
    logging.disable(logging.CRITICAL)
    collects = gc.isenabled()
    gc.disable()
    try:
        for owner, name, value in patched:
            setattr(owner, name, value)
        with virtual_time(loop):
            yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
        random.setstate(state)
        logging.disable(logging.NOTSET)
        if collects:
            gc.enable()


_source = cache(connection.source)
