"""The local desk takes a message with the same marker once, so that a suspended process cannot double it."""

from adapters import registry
from adapters.model import Body, MessageDraft, Person, TicketDraft, Visibility
from adapters.shared import InProcess


def draft(marker):
    person = Person(name="Ada Lovelace", email="ada@example.com")
    body = Body(plain="It burns", markdown=None, html=None)
    return MessageDraft(body=body, author=person, marker=marker, visibility=Visibility.PUBLIC)


async def test_a_message_that_is_there_is_not_written_again(tmp_path):
    settings = registry.settings_for("desk", {"kind": "local", "path": str(tmp_path / "desk.sqlite")})
    async with registry.make("desk", settings, InProcess()) as desk:
        first = draft("TL-AAAAAAAAAAAA")
        opened = await desk.open_ticket(TicketDraft(subject="Fire", first=first, requester=first.author))
        once = await desk.add_message(opened.ticket, draft("TL-BBBBBBBBBBBB"))

        assert once == await desk.add_message(opened.ticket, draft("TL-BBBBBBBBBBBB"))
        assert 2 == len(await desk.messages(opened.ticket))
