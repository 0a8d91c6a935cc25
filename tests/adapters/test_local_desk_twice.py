"""The local desk takes what has the same marker once, so that a suspended process cannot double it."""

import pytest

from adapters import registry
from adapters.model import Body, MessageDraft, Person, TicketDraft, Visibility
from adapters.shared import InProcess


def draft(marker):
    person = Person(name="Ada Lovelace", email="ada@example.com")
    body = Body(plain="It burns", markdown=None, html=None)
    return MessageDraft(body=body, author=person, marker=marker, visibility=Visibility.PUBLIC)


def ticket(first):
    return TicketDraft(subject="Fire", first=first, requester=first.author)


@pytest.fixture
async def desk(tmp_path):
    settings = registry.settings_for("desk", {"kind": "local", "path": str(tmp_path / "desk.sqlite")})
    async with registry.make("desk", settings, InProcess()) as entered:
        yield entered


async def test_a_message_that_is_there_is_not_written_again(desk):
    opened = await desk.open_ticket(ticket(draft("TL-AAAAAAAAAAAA")))
    once = await desk.add_message(opened.ticket, draft("TL-BBBBBBBBBBBB"))

    assert once == await desk.add_message(opened.ticket, draft("TL-BBBBBBBBBBBB"))
    assert 2 == len(await desk.messages(opened.ticket))


async def test_a_ticket_that_is_there_is_not_opened_again(desk):
    opened = await desk.open_ticket(ticket(draft("TL-AAAAAAAAAAAA")))
    await desk.add_message(opened.ticket, draft("TL-BBBBBBBBBBBB"))

    assert opened == await desk.open_ticket(ticket(draft("TL-AAAAAAAAAAAA")))
    assert opened != await desk.open_ticket(ticket(draft("")))
    assert await desk.open_ticket(ticket(draft(""))) != await desk.open_ticket(ticket(draft("")))
