"""Moves a thread to another desk: says first what that means, and does it when it is confirmed."""

from bot.conversion.intake import Intake
from bot.conversion.ports import Desks
from bot.conversion.records import LinkRef, MoveTicket, ThreadKey
from bot.slack.access import Access
from bot.slack.allowance import Kind
from bot.slack.answers import Answers
from bot.slack.ids import Action
from bot.slack.policy import Gesture
from bot.slack.routing import Call, Router
from bot.slack.tickets import Asked, Found, Refused, Tickets, thread_of_found
from bot.slack.views.elements import Said
from bot.slack.views.notices import move_question
from bot.words import _


class Moving:
    """What the verb and its button do."""

    def __init__(self, *, intake: Intake, tickets: Tickets, desks: Desks, access: Access, answers: Answers) -> None:
        self._intake = intake
        self._tickets = tickets
        self._desks = desks
        self._access = access
        self._answers = answers

    def register(self, router: Router) -> None:
        """Take the button."""
        router.actions[Action.MOVE] = self.move

    async def ask(self, asked: Asked, found: Found, typed: str) -> Said:
        """What moving to the desk that was typed would do, with the button that does it. Raises Refused."""
        desk = await self._target(asked, found, typed)
        words = _(
            "A new ticket will be opened at {desk} with all that was said here and on ticket {number}. The thread goes "
            "with it, and ticket {number} at {old} is closed there, as far as its helpdesk can be told.",
            desk=self._desks.get(desk).title,
            number=found.number,
            old=found.desk.title,
        )
        return move_question(words, f"{thread_of_found(found)}|{desk}|{found.made_for}")

    async def move(self, call: Call) -> None:
        """Have it done, by whoever may still do it."""
        named, desk, *ticket = str(call.pressed.get("value", "")).split("|", maxsplit=2)
        asked = Asked(actor=call.actor, channel=call.channel, once=call.trigger)
        try:
            meant = ThreadKey.parse(named).model_copy(update={"team": call.actor.team})  # it may be in another channel
            found = await self._tickets.of_thread(asked, meant, Gesture.LINK, ticket="".join(ticket))
            target, thread = await self._target(asked, found, desk), thread_of_found(found)
            await self._tickets.count(asked, Kind.TICKETS)
            work = MoveTicket(actor=call.actor.id, desk=target, under=LinkRef.of(found.link))
            once = f"{found.desk.name}:{found.link.ticket_id if found.link else ''}:{target}"
            await self._intake.move(thread, work, once=once)
            words = _("The thread is being moved; its card will say when that is done.")
        except Refused as refused:
            words = str(refused)
        self._answers.soon(call, words)
        await call.ack()

    async def _target(self, asked: Asked, found: Found, typed: str) -> str:
        await self._tickets.allow(asked, Gesture.LINK, found)
        wanted = typed.strip().casefold()
        titles = {name: self._desks.get(name).title for name in self._desks.names() if name != found.desk.name}
        desk = next((name for name, title in titles.items() if wanted in {name.casefold(), title.casefold()}), "")
        if not desk:
            others = ", ".join(titles.values()) or _("there is no other helpdesk")
            raise Refused(_("Where to? Name another helpdesk: {others}.", others=others))
        channel = thread_of_found(found).channel
        if why_not := await self._access.why_not(asked.actor, Gesture.CREATE, desk=desk, channel=channel):
            raise Refused(why_not)
        return desk
