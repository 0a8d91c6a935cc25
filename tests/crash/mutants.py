"""Rules of the product left out one at a time; the crash tests must find each of them missing."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from bot.conversion.journal import Journal


def no_settle() -> None:
    """Look for a change at once, although it may still be on its way."""
    once = Journal.once

    async def hasty(journal: Journal, *args: Any, **kwargs: Any) -> str:
        return await once(journal, *args, **{**kwargs, "settle": timedelta()})

    Journal.once = hasty  # type: ignore[method-assign]


def no_reconciliation() -> None:
    """Find nothing, ever."""

    async def blind(*_: object, **__: object) -> None:
        return None

    Journal._find = blind  # type: ignore[method-assign,assignment]


def no_run_id_guard() -> None:
    """Believe a server that was restarted or set back."""
    from bot.store import lanes

    head = lanes._head

    def trusting(answer: Any) -> Any:
        return head([*answer[:4], 0, 0] if answer else answer)

    lanes._head = trusting


MUTANTS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {
        "no settle wait": no_settle,
        "no reconciliation": no_reconciliation,
        "no run_id guard": no_run_id_guard,
    }
)
