"""Where the chances of a fuzz come from: a seed, hypothesis, or (where it is installed) atheris."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any, NoReturn

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from hypothesis.errors import Flaky
from typing_extensions import override

from tests.security.wild import Wild

Trial = Callable[[], None]
"""Sends one payload, made of what its Wild gives. Raises Failed, once it has written it down."""
HAS_ATHERIS = find_spec("atheris") is not None

_TEXTS = st.text(st.characters(), max_size=40) | st.just("\ud800")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)


class Failed(Exception):
    """A payload broke a door."""


def seeded(trial: Trial, wild: Wild, count: int, seed: int) -> None:
    """Payloads of a pseudo-random generator: the fastest, and the same for the same seed."""
    wild.random = Random(seed)
    for _ in range(count):
        with contextlib.suppress(Failed):
            trial()


def steered(trial: Trial, wild: Wild, count: int, seed: int) -> None:
    """Payloads whose odd values hypothesis makes up, which ends with the smallest that breaks the door."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )
    @given(st.integers(0, 2**64), st.tuples(*[_TEXTS] * 4), st.tuples(*[_VALUES] * 4))
    def one(chances: int, texts: tuple[str, ...], values: tuple[Any, ...]) -> None:
        wild.random = Random(chances)  # all is drawn beforehand: how much a trial takes may hang on those before it
        wild.odd_text, wild.odd_value = (lambda: wild.random.choice(texts)), (lambda: wild.random.choice(values))
        trial()

    with contextlib.suppress(Failed, Flaky):
        one()


def guided(trial: Trial, wild: Wild, count: int, seed: int, finish: Callable[[], object]) -> NoReturn:
    """Payloads that atheris keeps when they reach code that none reached before; *finish*, and the process ends."""
    atheris, left = import_module("atheris"), count

    def one(data: bytes) -> None:
        nonlocal left
        left -= 1
        wild.random = _Bytes(data)
        with contextlib.suppress(Failed):
            trial()
        if not left:  # atheris does not come back
            finish()
            os._exit(0)

    atheris.Setup([sys.argv[0], f"-runs={count * 2}", f"-seed={seed}", "-max_len=4096", "-verbosity=0"], one)
    atheris.Fuzz()
    raise SystemExit(1)


@contextmanager
def watched() -> Iterator[None]:
    """A block whose imports of our code tell atheris which of its branches were taken."""
    with import_module("atheris").instrument_imports(include=["bot", "adapters"], enable_loader_override=False):
        yield


class _Bytes(Random):
    """Chances read from bytes; where there are no more, from a generator that they seed."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data, self._at = data, 0

    @override
    def getrandbits(self, k: int) -> int:
        size = (k + 7) // 8
        taken, self._at = self._data[self._at : self._at + size], self._at + size
        return int.from_bytes(taken, "little") >> (size * 8 - k) if len(taken) == size else super().getrandbits(k)

    @override
    def random(self) -> float:
        return self.getrandbits(53) / (1 << 53)
