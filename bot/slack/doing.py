"""Does with a ticket what a verb says, by command and by mention alike."""

from typing import Any

from adapters.model import Act, Visibility
from bot.slack.assigning import Assigning
from bot.slack.tickets import Asked, Found, Tickets
from bot.slack.wishes import Verb, Wish


async def do_wish(
    tickets: Tickets,
    assigning: Assigning,
    asked: Asked,
    found: Found,
    wish: Wish,
    *,
    since: str,
    message: dict[str, Any] | None = None,
) -> tuple[str, str]:
    """Words for who asked, and the address of the ticket where they tell how it stands.

    *since*: the Slack timestamp from which on a switch holds. *message*: in which the wish stands, where it is in one.

    Raises:
        Refused: with the words.
        StoreAway: nothing was promised.
    """
    match wish.verb:
        case Verb.VIEW:
            return await tickets.view(asked, found)
        case Verb.CLOSE | Verb.REOPEN:
            words = await tickets.turn(asked, found, Act.CLOSE if wish.verb is Verb.CLOSE else Act.REOPEN)
        case Verb.ASSIGN:
            words = await assigning.by_name(asked, found, wish.text)
        case Verb.UNLINK:
            words = await tickets.unlink(asked, found)
        case Verb.MIRROR:
            words = await tickets.mirror(asked, found, wish.text, since=since)
        case _:
            visibility = Visibility.INTERNAL if wish.verb is Verb.NOTE else Visibility.PUBLIC
            words = await tickets.write(asked, found, wish.text, visibility, message=message)
    return words, ""
