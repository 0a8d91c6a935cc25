"""`threadline parked`: work that waits for a person, and what the person decides."""

from pathlib import Path
from typing import Any

from bot.commands.console import fail, out, print_json, table
from bot.commands.opening import in_store, settings_at
from bot.conversion.decisions import Decision, decided, is_closed
from bot.conversion.ports import Parked
from bot.conversion.records import Operation, decode
from bot.conversion.stored import UnknownVersion
from bot.store.store import Store


def list_parked(config: Path | None, *, as_json: bool) -> None:
    """All that waits."""

    async def work(store: Store) -> list[Parked]:
        return [parked async for parked in store.lanes.parked()]

    everything = in_store(settings_at(config, as_json=as_json), work, as_json=as_json)
    found = sorted(everything, key=lambda parked: parked.parked_at)
    if as_json:
        print_json([_told(parked) for parked in found])
        return
    rows = ((parked.lane, parked.id, _told(parked)["kind"], _told(parked)["why"]) for parked in found)
    table(("lane", "operation", "kind", "why"), rows)


def show_parked(config: Path | None, lane: str, op: str, *, as_json: bool) -> None:
    """One of them, without its texts."""
    told = _told(_one(config, lane, op, as_json=as_json))
    if as_json:
        print_json(told)
    else:
        table(("", ""), told.items())


def retry(config: Path | None, lane: str, op: str, *, reopen: bool | None) -> None:
    """Put it back into its lane; where it waits because its ticket is closed, *reopen* it or open another."""
    parked, decision = _one(config, lane, op), Decision.AGAIN
    try:
        if is_closed(parked.payload):
            if reopen is None:
                fail("Its ticket is closed: add --reopen to open it again for this, or --new to open another ticket.")
            decision = Decision.REOPEN if reopen else Decision.NEW
        again = decided(parked.payload, decision)
    except UnknownVersion:
        fail("A newer Threadline wrote this; retry it from there.")
    _unpark(config, parked, again)
    out.print("It is back in its lane and will be tried again now.")


def drop(config: Path | None, lane: str, op: str) -> None:
    """Let it go."""
    _unpark(config, _one(config, lane, op), None)
    out.print("It was dropped and will not be sent.")


def _one(config: Path | None, lane: str, op: str, *, as_json: bool = False) -> Parked:
    settings = settings_at(config, as_json=as_json)
    found = in_store(settings, lambda store: store.lanes.find_parked(lane, op), as_json=as_json)
    if found is None:
        fail(f"Nothing called {op} is parked in {lane}. `threadline parked list` shows what is.", as_json=as_json)
    return found


def _unpark(config: Path | None, parked: Parked, payload: str | None) -> None:
    if not in_store(settings_at(config), lambda store: store.lanes.unpark(parked.lane, parked.id, payload)):
        fail("Somebody else decided about it in this moment.")


def _operation(parked: Parked) -> Operation | None:
    try:
        return decode(parked.payload)
    except UnknownVersion:
        return None


def _told(parked: Parked) -> dict[str, Any]:
    """What may be said of it: never a message's text."""
    operation = _operation(parked)
    return {
        "lane": parked.lane,
        "operation": parked.id,
        "kind": operation.work.kind if operation else "written by a newer version",
        "why": operation.why if operation else "",
        "desk": getattr(operation.work, "desk", "") if operation else "",
        "parked_at": parked.parked_at.isoformat(timespec="seconds"),
        "lane_waits": parked.held,
    }
