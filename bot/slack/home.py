"""The app's home: shown when it is opened, and again after each of its buttons."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adapters.model import Visibility
from bot.conversion.decisions import Written, asks, is_of, rewritten, written
from bot.conversion.naming import wish_words
from bot.conversion.ports import Desks, Lanes, Links, Parked, StoreAway
from bot.conversion.records import (
    AddMessage,
    ChangeTicket,
    DeleteMessage,
    EditMessage,
    LinkTicket,
    OpenTicket,
    ThreadKey,
    decode,
)
from bot.conversion.stored import UnknownVersion
from bot.slack.access import Access
from bot.slack.answers import Later
from bot.slack.ids import Action, Block, Modal
from bot.slack.limits import INPUT_TEXT
from bot.slack.mine import mine_of, waits_for
from bot.slack.policy import Actor, Gesture
from bot.slack.results import row_of
from bot.slack.routing import STORE_AWAY, Call, Event, Router, first_input
from bot.slack.seal import Memory, Seal
from bot.slack.sources import first_line, literal
from bot.slack.submission import typed_in
from bot.slack.tickets import title_of
from bot.slack.views.home import Failed, Home, home
from bot.slack.views.notices import notice_modal
from bot.slack.views.results import newest
from bot.slack.views.writing import edit_modal, reread_modal
from bot.slack.web import Identity, Web
from bot.words import N_, _

AGAIN = N_("It will be tried again now.")
GONE = N_("That was decided already, or it has been delivered since.")
NEWER = N_("A newer version of Threadline wrote that. Decide about it there.")
_TITLE = N_("Edit and retry")
_FIXED = N_("A part of this may be at the helpdesk already, so it cannot be changed any more. Try it again as it is.")
_LONG = N_("This text is too long for a form. Discard it, and write it anew in the thread.")
_MOST = 50
"""Failed deliveries of one person that are shown."""


def in_home(call: Call) -> bool:
    """Whether a button stood in the app's home."""
    return bool(call.view.get("type") == "home")


class HomeTab:
    """Shows each person their home."""

    def __init__(
        self,
        *,
        web: Web,
        identity: Identity,
        links: Links,
        lanes: Lanes,
        desks: Desks,
        seal: Seal,
        later: Later,
        access: Access,
    ) -> None:
        self._web = web
        self._us = identity
        self._links = links
        self._lanes = lanes
        self._desks = desks
        self._seal = seal
        self._later = later
        self._access = access

    def register(self, router: Router) -> None:
        """Take the event and what is pressed in the home; decisions about failed deliveries have a place of theirs."""
        router.events["app_home_opened"] = self.opened
        router.actions[Action.HOME_NEXT] = self.turn
        router.actions[Action.HOME_BACK] = self.turn
        router.actions[Action.EDIT] = self.edit
        router.submissions[Modal.EDIT] = self.edited

    # --- showing ---

    async def opened(self, happened: Event) -> None:
        """Somebody opened the home: show it as things stand."""
        if happened.inner.get("tab") == "home":
            actor = Actor.of(happened.body, self._us)
            await self._show(replace(actor, team=actor.team or self._us.team_id))

    async def turn(self, call: Call) -> None:
        """Show another page, or the same one again."""
        await call.ack()
        self._later.run(self._show(call.actor, page=_number(call.pressed.get("value"))))

    async def show_again(self, call: Call, *, said: str = "") -> None:
        """Show the home anew after a button in it, on the same page, with what it did."""
        page = _number(call.view.get("private_metadata"))
        await self._show(call.actor, page=page, said=said)

    async def _show(self, actor: Actor, *, page: int = 0, said: str = "") -> None:
        user = actor.id
        mine = await mine_of(self._links, self._access, actor)
        failed = await self._failed_of(actor.team, user)
        rows = [
            (waits_for(link, user), title_of(self._desks, link.desk), row_of(link, self._us, user))
            for link in mine.links
        ]
        notes = [newest(len(rows))] if mine.more else []
        shown = Home(
            failed=failed,
            waiting=[(desk, row) for waits, desk, row in rows if waits],
            open=[(desk, row) for waits, desk, row in rows if not waits],
            page=page,
            said=said,
            notes=notes,
        )
        await self._web.call("views.publish", user_id=user, view=home(shown))

    async def _failed_of(self, team: str, user: str) -> list[Failed]:
        found = [
            (parked, failed)
            async for parked in self._lanes.parked(naming=user)
            if parked.lane.startswith(f"{team}:") and (failed := await self._failed(parked, user))
        ]
        found.sort(key=lambda pair: pair[0].parked_at, reverse=True)
        return [failed for _parked, failed in found[:_MOST]]

    async def _failed(self, parked: Parked, user: str) -> Failed | None:
        """The delivery as the home shows it; None for what is another's, or a newer version's."""
        try:
            operation = decode(parked.payload)
        except UnknownVersion:
            return None
        work = operation.work
        if not is_of(parked.payload, user):
            return None
        desk = getattr(work, "desk", "")
        if not desk:
            link = await self._links.get(ThreadKey.parse(parked.lane))
            desk = link.desk if link else ""
        return Failed(
            named=f"{parked.lane}|{parked.id}",
            desk=title_of(self._desks, desk) or _("No helpdesk"),
            what=_what(work),
            why=operation.why or _("It was not sent."),
            asks=asks(parked.payload),
            editable=written(parked.payload) is not None,
        )

    # --- editing a failed delivery ---

    async def edit(self, call: Call) -> None:
        """Open the text of a failed delivery; for a Slack message, say to edit it in Slack."""
        named = str(call.pressed.get("value") or "")
        parked = await self._lanes.find_parked(*_parts(named))
        memory = Memory(form=Modal.EDIT, user=call.actor.id, team=call.actor.team, kept=named)
        view = (
            self._form(parked, call.actor.id, self._seal.close(memory)) if parked else notice_modal(_(_TITLE), _(GONE))
        )
        await self._web.call("views.open", trigger_id=call.trigger, view=view)
        await call.ack()

    def _form(self, parked: Parked, user: str, metadata: str) -> dict[str, Any]:
        try:
            if not is_of(parked.payload, user):
                return notice_modal(_(_TITLE), _(GONE))
            found = written(parked.payload)
        except UnknownVersion:
            return notice_modal(_(_TITLE), _(NEWER))
        if found is None:
            return notice_modal(_(_TITLE), _(_FIXED))
        if found.in_slack:
            return reread_modal(metadata)
        if len(found.text) > INPUT_TEXT or len(found.subject or "") > INPUT_TEXT:
            return notice_modal(_(_TITLE), _(_LONG), typed=found.text)
        return edit_modal(metadata, text=found.text, subject=found.subject)

    async def edited(self, call: Call) -> None:
        """Put the work back into its lane with the new text."""
        view = call.view
        memory = self._seal.open(call.metadata, form=Modal.EDIT, user=call.actor.id)
        typed = {block: str(state.get("value") or "") for block, state in typed_in(view).items()}
        new = Written(text=typed.get(Block.TEXT, ""), subject=typed.get(Block.SUBJECT))
        if problems := _problems(new, typed):
            await call.ack(response_action="errors", errors=problems)
            return
        try:
            why_not = await self._put_back(memory.kept, call.actor, new)
        except StoreAway:
            if typed:
                await call.ack(response_action="errors", errors={first_input(view): _(STORE_AWAY)})
            else:
                await call.ack(response_action="update", view=notice_modal(_(_TITLE), _(STORE_AWAY)))
            return
        if why_not:
            wrote = "\n".join(filter(None, (new.subject, new.text)))
            await call.ack(response_action="update", view=notice_modal(_(_TITLE), why_not, typed=wrote))
            return
        await call.ack()
        self._later.run(self._show(call.actor, said=_(AGAIN)))

    async def _put_back(self, named: str, actor: Actor, new: Written) -> str:
        """Why not, in words; empty where it will be tried again."""
        lane, op = _parts(named)
        parked = await self._lanes.find_parked(lane, op)
        if parked is None:
            return _(GONE)
        try:
            if not is_of(parked.payload, actor.id):
                return _(GONE)
            if written(parked.payload) is None:
                return _(_FIXED)
            if why_not := await self._may_not(actor, parked):
                return why_not
            done = await self._lanes.unpark(lane, op, rewritten(parked.payload, new))
        except UnknownVersion:
            return _(NEWER)
        return "" if done else _(GONE)

    async def _may_not(self, actor: Actor, parked: Parked) -> str:
        """Why somebody may no longer write what they once might, in words; in a thread whoever is there may write."""
        match decode(parked.payload).work:
            case OpenTicket(desk=desk, channel=channel):
                return await self._access.why_not(actor, Gesture.CREATE, desk=desk, channel=channel)
            case AddMessage(ts="", visibility=visibility):
                gesture = Gesture.NOTE if visibility is Visibility.INTERNAL else Gesture.REPLY
                if link := await self._links.get(ThreadKey.parse(parked.lane)):
                    return await self._access.why_not(actor, gesture, link=link)
        return ""


def _problems(new: Written, typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong beside which input; a Slack message is changed in Slack, and its form has none."""
    if new.subject is not None:
        one_line = "\n" not in new.subject and new.subject.strip()
        return {} if one_line else {Block.SUBJECT: _("A subject is one line.")}
    if typed and not new.text.strip():
        return {Block.TEXT: _("Write what should be sent. To send nothing, close this and press Discard.")}
    return {}


def _parts(named: str) -> tuple[str, str]:
    lane, _bar, op = named.partition("|")
    return lane, op


def _number(text: Any) -> int:
    return int(text) if str(text or "").isdecimal() else 0


def _what(work: Any) -> str:
    """A failed delivery in a line."""
    words = _("Something that you did")
    match work:
        case OpenTicket(subject=subject):
            words = _("Your ticket: {subject}", subject=subject)
        case AddMessage(message=dict() as message):
            words = _("Your message: {text}", text=first_line(literal(message)) or _("files"))
        case AddMessage(text=text):
            words = _("Your message: {text}", text=first_line(text) or _("written in Slack"))
        case ChangeTicket(act=act):
            words = wish_words(act)
        case LinkTicket(number=number):
            words = _("Your link to ticket {number}", number=number)
        case EditMessage(message=message):
            words = _("Your edit of a message: {text}", text=first_line(literal(message or {})) or _("files"))
        case DeleteMessage():
            words = _("Your deletion of a message")
    return words
