"""Finds the adapter for a kind; a desk's module is imported when it is asked for, so its start costs no other."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from adapters.contract import Capability, Shared, TicketAdapter
from adapters.errors import Misconfigured
from adapters.settings import DeskSettings, in_words

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "local": "adapters.local:LocalDesk",
        "whmcs": "adapters.whmcs:WhmcsDesk",
        "superoffice_soap": "adapters.superoffice_soap:SuperOfficeSoapDesk",
        "superoffice_rest": "adapters.superoffice_rest:SuperOfficeRestDesk",
        "keliweb": "adapters.keliweb:KeliwebDesk",
    }
)
"""The built-in kinds. A third party's adapter is named in the settings by its own ``package.module:Class``."""


def load(kind: str, *, desk: str = "threadline") -> type[TicketAdapter[Any]]:
    """The adapter class for *kind*, a built-in name or a dotted path.

    Raises:
        Misconfigured: nothing of that name can be imported, or it is no adapter.
    """
    path = KINDS.get(kind, kind)
    module, colon, name = path.partition(":")
    if not colon:
        known = ", ".join(KINDS)
        raise Misconfigured(
            desk,
            f"there is no kind of desk called {kind!r}.",
            remedy=f"Use one of {known}, or package.module:Class for an adapter of your own.",
        )
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:  # the last two: no module's name
        raise Misconfigured(
            desk, f"the adapter {path} cannot be loaded ({error}).", remedy="Check the path and that it is installed."
        ) from error
    if not (isinstance(found, type) and issubclass(found, TicketAdapter)):
        raise Misconfigured(desk, f"{path} is not a TicketAdapter.", remedy="Name a subclass of adapters.contract's.")
    return found


def settings_for(desk: str, table: Mapping[str, object]) -> DeskSettings:
    """The validated settings of one desk's table.

    Raises:
        Misconfigured: the kind is unknown, or a key is missing, unknown or of the wrong form; all such keys are named.
    """
    adapter = load(str(table.get("kind", "")), desk=desk)
    try:
        settings = adapter.Settings.model_validate(table)
    except ValidationError as error:
        told = [(".".join(map(str, problem["loc"])), in_words(problem)) for problem in error.errors()]
        lines = "; ".join(f"{where}: {words}" if where else words for where, words in told)
        raise Misconfigured(
            desk, f"its settings are not right: {lines}.", remedy=f"docs/adapters/{adapter.kind}.md lists them."
        ) from error
    known = [option.key for option in adapter.options]
    if lacking := [key for key in settings.ask_options if key not in known]:
        remedy = f"Use some of {', '.join(known)}." if known else "Leave ask_options out: it has none."
        raise Misconfigured(desk, f"ask_options: it has no parameter {lacking[0]!r}.", remedy=remedy)
    return settings


def make(desk: str, settings: DeskSettings, shared: Shared) -> TicketAdapter[Any]:
    """The adapter for *settings*, not yet entered."""
    return load(settings.kind, desk=desk)(desk, settings, shared)


def matrix() -> tuple[tuple[str, ...], ...]:
    """What each built-in kind can do: a row of kinds, one for each capability, and how a lost answer is dealt with."""
    kinds = {kind: load(kind) for kind in KINDS}
    rows = [
        (str(can), *("yes" if can in found.capabilities else "-" for found in kinds.values())) for can in Capability
    ]
    return (
        ("", *kinds),
        *rows,
        ("after a lost answer", *(str(found.reconcile) for found in kinds.values())),
    )
