"""The form that brings a message to a ticket which exists already."""

from collections.abc import Sequence
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import Choice
from bot.slack.ids import Action, Block, Modal
from bot.slack.limits import PLACEHOLDER
from bot.slack.views.elements import Json, entry, modal, plain, section
from bot.slack.views.form import Typed, desk_asked
from bot.words import _


def joining(desk: TicketAdapter[Any], desks: Sequence[Choice], metadata: str, typed: Typed, *, said: str = "") -> Json:
    """The modal: which desk, and which ticket there; *said* stands above it."""
    blocks = [section(said)] if said else []
    blocks.append(section(_("This thread has no ticket yet. It will be linked to the one that you choose.")))
    blocks += desk_asked(desk, desks, typed, Action.JOIN_DESK)
    searches = desk.has(Capability.SEARCH)
    if searches:
        search = {
            "type": "external_select",
            "action_id": Action.TICKET,
            "min_query_length": 2,
            "placeholder": plain(_("Words of its subject"), PLACEHOLDER),
        }
        block_id = Block.TICKET.of(desk.name)
        blocks.append(entry(_("Ticket"), search, block_id, optional=True, typed=typed.get(block_id)))
    number = {"type": "plain_text_input", "action_id": Action.VALUE, "max_length": 64}
    label = _("Or its number") if searches else _("The ticket's number")
    blocks.append(entry(label, number, Block.NUMBER, optional=searches, typed=typed.get(Block.NUMBER)))
    return modal(Modal.JOIN, _("Add to ticket"), _("Add"), metadata, blocks)
