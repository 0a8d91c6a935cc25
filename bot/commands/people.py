"""`threadline people`: who Slack people are at the desks, where their e-mail address does not tell."""

import re
from pathlib import Path

from bot.commands.console import fail, out, print_json, table
from bot.commands.opening import in_store, settings_at
from bot.conversion.mapped import Mapped
from bot.conversion.people import addressed
from bot.settings import Settings
from bot.store.store import Store

USER = re.compile(r"[UW][A-Z0-9]{1,30}")


def map_person(config: Path | None, mapped: Mapped) -> None:
    """Write down who somebody is at a desk."""
    settings = settings_for(config, mapped.user)
    if mapped.desk not in settings.desks:
        fail(f"The settings have no desk called {mapped.desk}. They have: {', '.join(settings.desks)}.")
    if mapped.email and addressed(mapped.email) != ("", mapped.email):
        fail(f"{mapped.email!r} is not an e-mail address.")
    if not (mapped.email or mapped.desk_id.strip()):
        fail("Who are they there? Give --email, or --id with the desk's own id for them.")
    in_store(settings, lambda store: store.mappings.put(mapped))
    known = mapped.desk_id or mapped.email
    out.print(
        f"{mapped.user} is {known} at {mapped.desk} from now on; within a minute all processes know.", markup=False
    )


def unmap_person(config: Path | None, desk: str, user: str) -> None:
    """Forget what was written."""
    if not in_store(settings_for(config, user), lambda store: store.mappings.remove(desk, user)):
        fail(f"Nothing is written of {user} at {desk}. `threadline people list` shows what is.")
    out.print(f"{user} is known at {desk} by their e-mail address again, if it may be trusted.", markup=False)


def list_people(config: Path | None, *, as_json: bool) -> None:
    """All that is written."""

    async def work(store: Store) -> list[Mapped]:
        return [mapped for desk in await store.mappings.desks() async for mapped in store.mappings.all(desk)]

    everything = in_store(settings_at(config, as_json=as_json), work, as_json=as_json)
    found = sorted(everything, key=lambda one: (one.desk, one.user))
    if as_json:
        print_json(found)
        return
    table(("desk", "person", "e-mail", "id", "name"), ((m.desk, m.user, m.email, m.desk_id, m.name) for m in found))


def settings_for(config: Path | None, user: str) -> Settings:
    """The settings, for work about a person in Slack; ends the command where *user* names none."""
    settings = settings_at(config)
    if not USER.fullmatch(user):
        fail(f"{user!r} is not the id of a person in Slack. It looks like U0123456789; their profile's menu copies it.")
    return settings
