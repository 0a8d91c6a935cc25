"""Conformance of messages: adding, reading back, editing, and finding them by their marker."""

from dataclasses import replace

import pytest

from adapters.contract import Capability, marker_in, without_marker
from adapters.errors import UnsupportedFeature
from adapters.model import (
    MessageRef,
    Opened,
    Person,
    Role,
    Visibility,
)
from tests.adapters.drafts import SENT_AT, WILD, DeskFacts, Pair, body_of, needs


class MessageConformance(DeskFacts):
    """Replies and notes arrive once, in order, for the right eyes."""

    @needs(Capability.REPLY)
    async def test_a_public_reply_is_public(self, pair: Pair):
        ticket = await pair.open()
        await pair.add(ticket, text="For all.")

        last = (await pair.seen(ticket))[-1]
        assert (False, True) == (last.internal, "For all." in self.text_of(last))

    @needs(Capability.NOTE)
    async def test_an_internal_note_is_for_agents_only(self, pair: Pair):
        ticket = await pair.open()
        await pair.add(ticket, pair.message("For us.", visibility=Visibility.INTERNAL))

        last = (await pair.seen(ticket))[-1]
        assert (True, True) == (last.internal, "For us." in self.text_of(last))

    async def test_messages_stay_in_the_order_in_which_they_were_added(self, pair: Pair):
        ticket = await pair.open(text="number 0.")
        for number in range(1, 6):
            marker = f"TL-MESSAGE0000{number}"
            await pair.add(ticket, pair.message(f"number {number}.", marker, visibility=pair.reply_kind()))

        texts = [self.text_of(seen) for seen in await pair.seen(ticket)]
        assert [True] * 6 == [f"number {number}." in text for number, text in enumerate(texts)]

    @needs(Capability.READ_MESSAGES)
    async def test_messages_are_read_back_with_text_side_and_time(self, pair: Pair):
        ticket = await pair.open(text=WILD)
        await pair.agents.reply(ticket.id, "Have you tried & <turned> it off? 🎉")

        first, reply = await pair.desk.messages(ticket)
        assert WILD.split() == without_marker(first.body.plain).split()
        assert "Have you tried & <turned> it off? 🎉" == without_marker(reply.body.plain).strip()
        assert (Role.AGENT, Visibility.PUBLIC) == (reply.author.role, reply.visibility)
        assert first.id != reply.id
        assert all(message.at is None or message.at.tzinfo for message in (first, reply))

    @needs(Capability.READ_MESSAGES, Capability.NOTE)
    async def test_an_agents_note_is_read_back_as_internal(self, pair: Pair):
        ticket = await pair.open()
        await pair.agents.reply(ticket.id, "Difficult customer.", internal=True)

        assert Visibility.INTERNAL is (await pair.desk.messages(ticket))[-1].visibility

    @needs(Capability.READ_MESSAGES)
    async def test_messages_behind_one_that_was_seen_are_all_given_and_only_those(self, pair: Pair):
        ticket = await pair.open()
        for number in range(4):
            await pair.agents.reply(ticket.id, f"answer {number}")
        everything = await pair.desk.messages(ticket)

        for position, seen in enumerate(everything):
            assert everything[position + 1 :] == await pair.desk.messages(ticket, after=seen.id)

    @needs(Capability.READ_MESSAGES)
    async def test_our_own_messages_are_told_from_those_of_agents(self, pair: Pair):
        ticket = await pair.open(first=pair.message(marker="TL-FIRST0000001"))
        await pair.add(ticket, pair.message(marker="TL-SECOND000001", visibility=pair.reply_kind()))
        await pair.agents.reply(ticket.id, "Mine.")

        messages = await pair.desk.messages(ticket)
        marks = [message.marker or marker_in(message.body) for message in messages]
        assert ["TL-FIRST0000001", "TL-SECOND000001", ""] == marks

    @needs(Capability.EDIT_MESSAGE, Capability.READ_MESSAGES)
    async def test_an_edited_message_is_still_told_to_be_ours(self, pair: Pair):
        ticket = await pair.open()
        message = await pair.add(ticket, visibility=pair.reply_kind())
        await pair.desk.edit_message(ticket, MessageRef(id=message), body_of("Edited."), "TL-EDIT00000001")

        edited = (await pair.desk.messages(ticket))[-1]
        assert edited.marker or marker_in(edited.body)

    @needs(Capability.AUTHOR, Capability.READ_MESSAGES)
    async def test_a_message_carries_the_name_of_who_wrote_it(self, pair: Pair):
        ticket = await pair.open()
        grace = Person(name="Grace Hopper", email="grace@example.net")
        await pair.add(ticket, replace(pair.message(), author=grace))

        assert "Grace Hopper" == (await pair.desk.messages(ticket))[-1].author.name

    @needs(Capability.BACKDATE, Capability.READ_MESSAGES)
    async def test_a_message_carries_the_time_at_which_it_was_written(self, pair: Pair):
        ticket = await pair.open(await pair.draft(first=pair.message(sent_at=SENT_AT)))

        assert SENT_AT == (await pair.desk.messages(ticket))[0].at

    @needs(Capability.EDIT_MESSAGE)
    async def test_an_edited_message_has_the_new_text_in_the_same_place(self, pair: Pair):
        ticket = await pair.open()
        message = await pair.add(ticket, text="Frist version.", visibility=pair.reply_kind())
        await pair.desk.edit_message(ticket, MessageRef(id=message), body_of("First version."), "TL-MESSAGE00001")
        await pair.desk.edit_message(ticket, MessageRef(id=message), body_of("First version."), "TL-MESSAGE00001")

        seen = await pair.seen(ticket)
        assert 2 == len(seen)
        assert ("First version." in self.text_of(seen[1]), "Frist" in self.text_of(seen[1])) == (True, False)

    @needs(Capability.DELETE_MESSAGE)
    async def test_a_deleted_message_is_gone_and_deleting_it_again_is_no_error(self, pair: Pair):
        ticket = await pair.open()
        message = await pair.add(ticket, visibility=pair.reply_kind())
        await pair.desk.delete_message(ticket, MessageRef(id=message))
        await pair.desk.delete_message(ticket, MessageRef(id=message))

        assert 1 == len(await pair.seen(ticket))

    @needs(reconcile=True)
    async def test_what_was_never_done_is_not_found_by_its_marker(self, pair: Pair):
        ticket = await pair.open()

        assert None is await pair.desk.find_ticket("TL-NEVER0000001", await pair.draft())
        assert None is await pair.desk.find_message(ticket, "TL-NEVER0000001")

    @needs(reconcile=True)
    async def test_what_was_done_is_found_by_its_marker(self, pair: Pair):
        decoy = await pair.open()
        draft = await pair.draft(first=pair.message("Same subject, other ticket.", marker="TL-OTHER0000001"))
        ticket = await pair.open(draft)
        message = await pair.add(ticket, pair.message(marker="TL-REPLY0000001", visibility=pair.reply_kind()))
        await pair.add(ticket, pair.message(marker="TL-REPLY0000002", visibility=pair.reply_kind()))

        found = await pair.desk.find_ticket("TL-OTHER0000001", draft)
        assert isinstance(found, Opened)
        assert ticket == found.ticket != decoy
        assert MessageRef(id=message) == await pair.desk.find_message(ticket, "TL-REPLY0000001")

    @needs(Capability.READ_MESSAGES, reconcile=True)
    async def test_a_message_is_found_by_its_marker_and_not_an_answer_that_quotes_it(self, pair: Pair):
        ticket = await pair.open()
        ours = await pair.add(ticket, pair.message("Ours.", "TL-QUOTED000001", visibility=pair.reply_kind()))
        for quoted in ("-----Original message-----\nOurs.\n\n", "> Ours.\n>\n> "):
            await pair.agents.reply(ticket.id, f"Done.\n\n{quoted}Threadline ref: TL-QUOTED000001")

        assert MessageRef(id=ours) == await pair.desk.find_message(ticket, "TL-QUOTED000001")

    @needs(Capability.NOTE, reconcile=True)
    async def test_a_note_is_found_by_its_marker(self, pair: Pair):
        ticket = await pair.open()
        await pair.add(ticket, pair.message(marker="TL-NOTE00000001", visibility=Visibility.INTERNAL))

        assert None is not await pair.desk.find_message(ticket, "TL-NOTE00000001")

    @needs(reconcile=False)
    async def test_a_desk_that_cannot_be_searched_says_so(self, pair: Pair):
        with pytest.raises(UnsupportedFeature):
            await pair.desk.find_ticket("TL-X", await pair.draft())

    @needs(Capability.READ_MESSAGES, reconcile=False)
    async def test_a_desk_that_cannot_be_searched_still_shows_what_is_on_a_ticket(self, pair: Pair):
        ticket = await pair.open()
        await pair.add(ticket, pair.message(marker="TL-REPLY0000001", visibility=pair.reply_kind()))

        found = [await pair.desk.find_message(ticket, f"TL-REPLY000000{number}") for number in (1, 2)]

        assert [True, False] == [one is not None for one in found]
