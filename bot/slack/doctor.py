"""Looks whether Threadline is well where somebody asks, and says in plain words what to do about what is not."""

import asyncio
from typing import Any, Final

from adapters.contract import TicketAdapter
from adapters.errors import AdapterError
from adapters.model import Finding
from bot.conversion.ports import Desks, Lanes, SlackRefused, SlackTrouble, StoreAway
from bot.slack.access import Access
from bot.slack.allowance import Kind
from bot.slack.manifest import scopes
from bot.slack.policy import Gesture
from bot.slack.tickets import Asked, Refused, Tickets
from bot.slack.views.doctor import report
from bot.slack.views.elements import Said
from bot.slack.web import Web
from bot.words import _, ngettext, together

PATIENCE: Final = 10.0
"""Seconds that a desk may take to be looked at."""
LATE: Final = 300.0
"""Seconds that what people wrote may wait before that is worth saying."""


class Doctor:
    """Answers the verb. What is well is only said to be so; addresses and names of accounts stay with the operator."""

    def __init__(self, *, web: Web, lanes: Lanes, desks: Desks, access: Access, tickets: Tickets) -> None:
        self._web = web
        self._lanes = lanes
        self._desks = desks
        self._access = access
        self._tickets = tickets

    async def ask(self, asked: Asked) -> Said:
        """All findings, in the order in which a person would look. Raises Refused: who asks may not."""
        if why_not := await self._access.why_not(asked.actor, Gesture.DOCTOR):
            raise Refused(why_not)
        store = await self._store(asked)
        desks = [
            self._desks.get(name)
            for name in self._desks.names()
            if await self._access.allows(asked.actor, Gesture.DOCTOR, desk=name)
        ]
        slack, *each = await asyncio.gather(self._slack(), *(self._desk(desk) for desk in desks))
        here = [await self._here(asked.channel)] if asked.channel else []
        agents = [line for desk in desks for line in await self._agents(desk)]
        return report([slack, *here, store, *each, *agents])

    async def _slack(self) -> Finding:
        try:
            await self._web.call("auth.test")  # anew: its answer tells the permissions of today
        except (SlackRefused, SlackTrouble) as error:
            return Finding(subject="Slack", ok=False, detail=_trouble(error))
        lacking = sorted(scopes() - self._web.scopes)
        if not lacking:
            well = _("It answers, and Threadline has every permission that it needs.")
            return Finding(subject="Slack", ok=True, detail=well)
        named = together(lacking)
        return Finding(
            subject="Slack",
            ok=False,
            detail=ngettext(
                "Threadline lacks the permission {named}.",
                "Threadline lacks {number} permissions: {named}.",
                len(lacking),
                named=named,
            ),
            remedy=_("Whoever runs it adds that under OAuth & Permissions and installs the app again."),
        )

    async def _here(self, channel: str) -> Finding:
        subject = _("This channel")
        try:
            info = await self._channel(channel)
        except (SlackRefused, SlackTrouble) as error:
            return Finding(subject=subject, ok=False, detail=_trouble(error))
        if not _is_in(info):
            outside, invite = _("Threadline is not in it."), _("Write /invite @Threadline here.")
            return Finding(subject=subject, ok=False, detail=outside, remedy=invite)
        if info.get("is_archived"):
            return Finding(subject=subject, ok=False, detail=_("It is archived, so nothing can be said in it."))
        goes = _(
            "Threadline is in it. Tickets made here go to {desk}.",
            desk=self._desks.get(self._desks.for_channel(channel)).title,
        )
        shared = _("Another company reads it too, so links to tickets get no previews.")
        return Finding(subject=subject, ok=True, detail=f"{goes} {shared}" if info.get("is_ext_shared") else goes)

    async def _store(self, asked: Asked) -> Finding:
        subject = _("What is kept")
        try:
            await self._tickets.count(asked, Kind.LOOKUPS)
            backlog = await self._lanes.backlog()
        except StoreAway:
            away = _("Nothing can be stored just now, so nothing is accepted. Slack sends again what people write.")
            remedy = _("Whoever runs Threadline looks whether its Redis runs.")
            return Finding(subject=subject, ok=False, detail=away, remedy=remedy)
        threads, minutes = int(backlog["waiting"]), int(backlog["oldest"] // 60)
        if threads and backlog["oldest"] > LATE:
            return Finding(
                subject=subject,
                ok=False,
                detail=ngettext(
                    "Messages of {number} thread wait, the oldest for {minutes} minutes.",
                    "Messages of {number} threads wait, the oldest for {minutes} minutes.",
                    threads,
                    minutes=minutes,
                ),
                remedy=_("If every helpdesk below is well, whoever runs Threadline looks whether a worker runs."),
            )
        if threads:
            return Finding(subject=subject, ok=True, detail=_("It can be stored; some messages are on their way."))
        return Finding(subject=subject, ok=True, detail=_("It can be stored, and nothing waits."))

    async def _desk(self, desk: TicketAdapter[Any]) -> Finding:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await desk.check()
        except AdapterError as error:
            return Finding(subject=desk.title, ok=False, detail=error.cause, remedy=error.remedy)
        except TimeoutError:
            return Finding(subject=desk.title, ok=False, detail=_("It does not answer in time."))
        wrong = [line for line in found if not line.ok]
        if not wrong:
            return Finding(subject=desk.title, ok=True, detail=_("It answers."))
        said = " ".join(f"{line.subject}: {_sentence(line.detail)} {line.remedy}".rstrip() for line in wrong)
        return Finding(subject=desk.title, ok=False, detail=said)

    async def _agents(self, desk: TicketAdapter[Any]) -> list[Finding]:
        """What keeps agents from seeing a desk's tickets; the channel itself may be hidden from who asks."""
        subject, lines = _("Agents' channel of {desk}", desk=desk.title), []
        for channel in desk.settings.agents_channel.channels:
            try:
                info = await self._channel(channel)
            except (SlackRefused, SlackTrouble) as error:
                lines.append(Finding(subject=subject, ok=False, detail=_trouble(error)))
                continue
            remedy = _("Somebody who is in it writes /invite @Threadline there.")
            if not _is_in(info):
                lines.append(Finding(subject=subject, ok=False, detail=_("Threadline is not in it."), remedy=remedy))
            elif info.get("is_ext_shared"):
                shared = _("Another company reads it too, so nothing is posted there.")
                lines.append(Finding(subject=subject, ok=False, detail=shared))
        return lines

    async def _channel(self, channel: str) -> dict[str, Any]:
        return (await self._web.call("conversations.info", channel=channel)).get("channel") or {}


def _is_in(info: dict[str, Any]) -> bool:
    return bool(info.get("is_member") or info.get("is_im"))


def _trouble(error: SlackRefused | SlackTrouble) -> str:
    if isinstance(error, SlackRefused):
        return error.words
    return _("Slack does not answer just now ({code}).", code=error.code)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
