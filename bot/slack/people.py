"""Who and what Slack's ids stand for: people, bots, channels and user groups, remembered for a while."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from bot.conversion.ports import Author, SlackRefused, SlackTrouble
from bot.conversion.text.clean import clean_subject
from bot.slack.remembered import Remembered
from bot.slack.text.names import NAME_LIMIT, KnownNames
from bot.slack.web import Identity, Web

_TTL: Final = 3600.0
_AT_ONCE: Final = 8
PATIENCE: Final = 0.25
"""Seconds that somebody who pressed a button waits for Slack to tell their language; a form must open within three."""
_SLACKBOT: Final = "USLACKBOT"
_GROUPS: Final = "all"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Person:
    author: Author
    mention: str
    locale: str = ""


class People:
    """Names of ids, with few calls: each id is asked for once an hour, and once however many wait for it.

    Who Slack does not know is called by the id. SlackTrouble is raised where Slack is only slow or away.
    """

    def __init__(self, web: Web, *, guest_emails: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._guest_emails = guest_emails
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._people: Remembered[_Person] = Remembered(self._ask_person, ttl=_TTL, clock=clock)
        self._bots: Remembered[Author] = Remembered(self._ask_bot, ttl=_TTL, clock=clock)
        self._channels: Remembered[str] = Remembered(self._ask_channel, ttl=_TTL, clock=clock)
        self._groups: Remembered[Mapping[str, str]] = Remembered(self._ask_groups, ttl=_TTL, clock=clock)

    async def author(self, user: str) -> Author:
        """A person by id. Raises SlackTrouble."""
        return (await self._people.get(user)).author

    async def locale(self, user: str, *, patience: float = PATIENCE) -> str:
        """A person's locale, such as it-IT, as it was last known; empty where Slack does not tell it in time."""
        with contextlib.suppress(SlackTrouble, TimeoutError):
            if not user:
                return ""
            async with asyncio.timeout(patience):
                return (await self._people.latest(user)).locale
        return ""

    async def writer(self, message: Mapping[str, Any]) -> Author:
        """Who wrote a message: a person, or another app under the name that it shows. Raises SlackTrouble."""
        user, bot = str(message.get("user") or ""), str(message.get("bot_id") or "")
        if not bot:
            return await self.author(user) if user else Author(id="", name="somebody", own_workspace=False)
        profile = message.get("bot_profile")
        profile = profile if isinstance(profile, dict) else {}
        name = _clean(message.get("username") or profile.get("name"))
        return Author(id=user or bot, name=name, bot=True) if name else await self._bots.get(bot)

    async def names(self, ids: Iterable[str]) -> KnownNames:
        """Names of people, channels and groups by id; what Slack does not tell is left out. Raises SlackTrouble."""
        wanted = set(ids)
        people = await _all(self._people, [one for one in wanted if one.startswith(("U", "W"))])
        table = {user: person.mention for user, person in people.items()}
        table |= await _all(self._channels, [one for one in wanted if one.startswith(("C", "G", "D"))])
        if any(one.startswith("S") for one in wanted):
            table |= await self._groups.get(_GROUPS)  # one call tells all of them
        return KnownNames({one: name for one, name in table.items() if one in wanted and name})

    async def learn(self, users: Iterable[str]) -> None:
        """Ask for many people at once, so that `author` has them. Raises SlackTrouble."""
        await _all(self._people, users)

    # --- asking ---

    async def _ask(self, method: str, **args: Any) -> dict[str, Any]:
        async with self._gate:
            return await self._web.call(method, **args)

    async def _ask_person(self, user: str) -> _Person:
        try:
            answer = await self._ask("users.info", user=user, include_locale=True)
        except SlackRefused as refused:
            # A stand-in for Slack that has no such call has no strangers either.
            author = Author(id=user, name=user, own_workspace=refused.code == "unknown_method")
            return _Person(author, "")
        found = answer.get("user")
        person = _person(user, found if isinstance(found, dict) else {}, await self._web.identity())
        if person.author.guest and not self._guest_emails:
            person = replace(person, author=replace(person.author, email=None))
        return person

    async def _ask_bot(self, bot: str) -> Author:
        try:
            found = (await self._ask("bots.info", bot=bot)).get("bot")
        except SlackRefused:
            found = None
        name = found.get("name") if isinstance(found, dict) else None
        return Author(id=bot, name=_clean(name) or bot, bot=True)

    async def _ask_channel(self, channel: str) -> str:
        try:
            found = (await self._ask("conversations.info", channel=channel)).get("channel")
        except SlackRefused:
            found = None
        name = found.get("name") if isinstance(found, dict) else None
        return str(name or "")

    async def _ask_groups(self, _key: str) -> Mapping[str, str]:
        try:
            groups = (await self._ask("usergroups.list", include_disabled=True)).get("usergroups")
        except SlackRefused:
            groups = None
        found = [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
        return {
            str(group.get("id")): str(group.get("handle") or group.get("name") or group.get("id")) for group in found
        }


def _person(user: str, found: Mapping[str, Any], us: Identity) -> _Person:
    """A person from what users.info says."""
    profile = found.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    shown, real = profile.get("display_name"), profile.get("real_name") or found.get("real_name")
    bot = bool(found.get("is_bot")) or user == _SLACKBOT
    own = user == _SLACKBOT or _is_ours(found, us)
    email = profile.get("email") if own and not bot else None
    author = Author(
        id=user,
        name=_clean(real or shown or found.get("name")) or user,
        email=str(email) if email else None,
        own_workspace=own,
        guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
        bot=bot,
        active=not found.get("deleted"),
    )
    return _Person(author, str(shown or real or found.get("name") or ""), str(found.get("locale") or ""))


def _clean(name: Any) -> str:
    return clean_subject(str(name or ""), NAME_LIMIT)


def _is_ours(found: Mapping[str, Any], us: Identity) -> bool:
    """Whether a person belongs to our workspace or our organisation, and is not a visitor by Slack Connect."""
    if found.get("is_stranger"):
        return False
    grid = found.get("enterprise_user")
    grid = grid if isinstance(grid, dict) else {}
    teams = grid.get("teams")
    return (
        found.get("team_id", us.team_id) in {us.team_id, us.enterprise_id or None}
        or (isinstance(teams, list) and us.team_id in teams)
        or bool(us.enterprise_id and grid.get("enterprise_id") == us.enterprise_id)
    )


# --- many at once -----------------------------------------------------------------------------------------------------


async def _all(remembered: Remembered[T], ids: Iterable[str]) -> dict[str, T]:
    """What belongs to each of *ids*. What was learnt stays known, so that a second try goes on from there."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:  # as of most messages
        return {}
    results = await asyncio.gather(*(remembered.get(one) for one in wanted), return_exceptions=True)
    found: dict[str, T] = {}
    failed: list[BaseException] = []
    for one, result in zip(wanted, results, strict=True):
        if isinstance(result, BaseException):
            failed.append(result)
        else:
            found[one] = result
    for error in failed:
        if not isinstance(error, SlackTrouble):
            raise error
    if failed:
        raise _later(failed)
    return found


def _later(failed: list[BaseException]) -> SlackTrouble:
    """One trouble for many, with time enough for as many calls as a second try can make."""
    asked = [error.retry_after for error in failed if isinstance(error, SlackTrouble) and error.retry_after]
    if not asked:
        return SlackTrouble("unreachable")
    return SlackTrouble("ratelimited", retry_after=max([*asked, timedelta(seconds=min(30, len(failed)))]))
