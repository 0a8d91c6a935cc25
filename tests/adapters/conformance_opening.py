"""Conformance of opening tickets, with texts, fields and files."""

import hashlib
from pathlib import Path

import pytest

from adapters.contract import Capability
from adapters.errors import Rejected
from adapters.model import (
    ChoiceList,
    Visibility,
)
from tests.adapters.drafts import ADA, WILD, DeskFacts, Pair, file_at, needs


class OpeningConformance(DeskFacts):
    """What is opened is at the desk as it was drafted."""

    async def test_an_opened_ticket_is_at_the_desk_with_subject_text_and_requester(self, pair: Pair):
        ticket = await pair.open(subject="Printer on fire", text="It burns.")

        seen = await pair.agents.ticket(ticket.id)
        assert ("Printer on fire", ticket.number, False) == (seen.subject, seen.number, seen.closed)
        assert 1 == len(seen.messages)
        assert "It burns." in self.text_of(seen.messages[0])
        assert ADA.name in seen.requester or (ADA.email or "") in seen.requester or self.known.name in seen.requester

    async def test_wild_characters_arrive_as_they_were_written(self, pair: Pair):
        ticket = await pair.open(subject="Größe & <b>日本</b> 🎉 \"x\" 'y'", text=WILD)

        seen = await pair.agents.ticket(ticket.id)
        assert "Größe & <b>日本</b> 🎉 \"x\" 'y'" == seen.subject
        for line in filter(None, WILD.split("\n")):
            assert line in self.text_of(seen.messages[0])

    async def test_a_text_of_the_greatest_length_arrives_whole(self, pair: Pair):
        length = (pair.desk.limits.body or 20_000) - 200
        text = ("äb1 " * length)[: length - 4] + "last"

        ticket = await pair.open(text=text)

        assert text in self.text_of((await pair.seen(ticket))[0])

    async def test_a_subject_of_the_greatest_length_arrives_whole(self, pair: Pair):
        length = pair.desk.limits.subject or 250
        subject = ("printer " * length)[: length - 1] + "x"

        ticket = await pair.open(subject=subject)

        assert subject == (await pair.agents.ticket(ticket.id)).subject

    async def test_opening_tells_the_first_message_only_where_it_is_made(self, pair: Pair):
        opened = await pair.desk.open_ticket(await pair.draft())

        made = Capability.FIRST_MESSAGE in self.adapter.capabilities
        assert int(made) == len(await pair.seen(opened.ticket))
        assert made or opened.first is None

    @needs(Capability.INTERNAL_TICKET)
    async def test_an_internal_ticket_begins_with_what_only_agents_see(self, pair: Pair):
        first = pair.message("Between us.", visibility=Visibility.INTERNAL)
        ticket = await pair.open(await pair.draft(first=first))

        assert [True] == [message.internal for message in await pair.seen(ticket)]

    async def test_a_first_message_is_public_unless_it_says_otherwise(self, pair: Pair):
        ticket = await pair.open(await pair.draft(first=pair.message(visibility=pair.reply_kind())))

        assert [pair.reply_kind() is Visibility.INTERNAL] == [message.internal for message in await pair.seen(ticket)]

    @needs(Capability.CUSTOM_FIELDS)
    async def test_custom_fields_are_offered_and_arrive(self, pair: Pair):
        offered = {field.key for field in await pair.desk.custom_fields(await pair.some_department())}
        ticket = await pair.open(fields=self.fields)

        assert self.fields
        assert set(self.fields) <= offered
        assert dict(self.shown).items() <= dict((await pair.agents.ticket(ticket.id)).fields).items()

    @needs(Capability.PRIORITIES)
    async def test_every_priority_of_the_list_can_be_opened_with(self, pair: Pair):
        for choice in await pair.desk.choices(ChoiceList.PRIORITIES):
            ticket = await pair.open(priority=choice.id)

            assert (await pair.agents.ticket(ticket.id)).priority in {choice.id, choice.label}

    @needs(Capability.DEPARTMENTS)
    async def test_every_department_of_the_list_can_be_opened_in(self, pair: Pair):
        for choice in await pair.desk.choices(ChoiceList.DEPARTMENTS):
            ticket = await pair.open(department=choice.id)

            assert (await pair.agents.ticket(ticket.id)).department in {choice.id, choice.label}

    @needs(Capability.FILES)
    async def test_files_arrive_with_their_names_and_hashes(self, pair: Pair, tmp_path: Path):
        files = (
            file_at(tmp_path, "log.txt", b"a\r\nb\0\xff", "text/plain"),
            file_at(tmp_path, 'Grüße "1" & 日本.png', bytes(range(256)) * 300, "image/png"),
        )
        ticket = await pair.open(await pair.draft(first=pair.message(files=files)))

        sent = [(file.name, file.sha256, file.size) for file in files]
        seen = (await pair.seen(ticket))[0].files
        assert sent == [(file.name, file.sha256, file.size) for file in seen]
        assert files[1].sha256 == hashlib.sha256(await pair.agents.file(seen[1].id)).hexdigest()

    @needs(Capability.FILES)
    async def test_files_of_a_later_message_stay_with_it(self, pair: Pair, tmp_path: Path):
        ticket = await pair.open()
        file = file_at(tmp_path, "later.bin", b"later")
        await pair.add(ticket, pair.message(files=(file,), visibility=pair.reply_kind()))

        assert [(), (file.sha256,)] == [tuple(one.sha256 for one in seen.files) for seen in await pair.seen(ticket)]

    @needs(Capability.READ_FILES)
    async def test_an_agents_file_is_read_to_the_byte_and_never_beyond_the_limit(self, pair: Pair):
        ticket = await pair.open()
        data = bytes(range(256)) * 50
        await pair.agents.reply(ticket.id, "See this.", files=(("plan ü.pdf", data), ("b.txt", b"b")))

        attachments = (await pair.desk.messages(ticket))[-1].attachments
        assert ["plan ü.pdf", "b.txt"] == [attachment.name for attachment in attachments]
        assert data == await pair.desk.attachment(ticket, attachments[0], limit=len(data))
        with pytest.raises(Rejected):
            await pair.desk.attachment(ticket, attachments[0], limit=len(data) - 1)
