"""The forms behind a card's buttons: a reply, an internal note, another agent."""

from collections.abc import Sequence

from adapters.model import Choice
from bot.slack.ids import Action, Block, Modal
from bot.slack.limits import INPUT_TEXT, PLACEHOLDER
from bot.slack.views.elements import Json, bullets, entry, modal, option, plain, section
from bot.words import _, pgettext


def note_modal(ticket: str, metadata: str) -> Json:
    """The form for an internal note."""
    says = [section(_("Only agents will see this note on ticket {ticket}.", ticket=ticket))]
    return modal(Modal.NOTE, _("Internal note"), _("Add note"), metadata, [*says, _text(_("Note"))])


def reply_modal(ticket: str, metadata: str, *, readers: Sequence[str] = ()) -> Json:
    """The form for a public reply.

    Args:
        ticket: its number.
        metadata: what the form remembers.
        readers: who would read it, where what is said about this ticket was internal so far; that is asked about first.
    """
    blocks = [section(_("The requester of ticket {ticket} will be able to read this reply.", ticket=ticket))]
    if readers:
        words = _(
            "What this thread says goes to ticket {ticket} as internal notes. A reply would be public. Readers:",
            ticket=ticket,
        )
        sure = {
            "type": "checkboxes",
            "action_id": Action.VALUE,
            "options": [option(Choice(id="yes", label=_("The people above may read it")))],
        }
        blocks = [section(words), bullets(readers), entry(_("Public reply"), sure, Block.SURE)]
    return modal(Modal.REPLY, _("Public reply"), _("Send reply"), metadata, [*blocks, _text(_("Reply"))])


def assign_modal(ticket: str, desk: str, title: str, metadata: str) -> Json:
    """The form that asks for an agent of a desk."""
    search = {
        "type": "external_select",
        "action_id": Action.AGENT,
        "min_query_length": 0,
        "placeholder": plain(_("Name of an agent"), PLACEHOLDER),
    }
    hint = _("Leave it empty to take the owner away.")
    agent = entry(_("Agent"), search, Block.AGENT.of(desk), optional=True, hint=hint)
    blocks = [section(_("Who at {title} should have ticket {ticket}?", title=title, ticket=ticket)), agent]
    return modal(Modal.ASSIGN, _("Assign ticket"), _("Assign"), metadata, blocks)


def edit_modal(metadata: str, *, text: str, subject: str | None) -> Json:
    """The form for a failed delivery's text; *subject* is None where it has none."""
    line = {"type": "plain_text_input", "action_id": Action.VALUE, "max_length": INPUT_TEXT}
    blocks = [] if subject is None else [entry(_("Subject"), line, Block.SUBJECT, typed={"value": subject})]
    label = pgettext("input", "Text") if subject is None else _("Description")
    blocks.append({**_text(label, text), "optional": subject is not None})
    return modal(Modal.EDIT, _("Edit and retry"), _("Try again"), metadata, blocks)


def reread_modal(metadata: str) -> Json:
    """The form for a failed delivery that stands in a Slack message."""
    words = _("This was written in Slack. Edit the message there first, then press Try again: it will be read anew.")
    return modal(Modal.EDIT, _("Edit and retry"), _("Try again"), metadata, [section(words)])


def _text(label: str, text: str = "") -> Json:
    element = {"type": "plain_text_input", "action_id": Action.VALUE, "multiline": True, "max_length": INPUT_TEXT}
    return entry(label, element, Block.TEXT, typed={"value": text})
