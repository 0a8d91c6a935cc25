"""What is SuperOffice's own: steps, markers, notifications, mail, and extra fields."""

import hashlib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from adapters.contract import Capability, without_marker
from adapters.errors import NotAuthorised, Rejected, UnsupportedFeature
from adapters.model import Act, Change, ChoiceList, FieldKind, Opened, Person, TicketRef, Visibility
from adapters.superoffice_soap import fields, reading
from adapters.superoffice_soap.operations import OPERATIONS
from adapters.superoffice_soap.settings import SuperOfficeSoapSettings
from bot.sandbox.faults import Fault
from tests.adapters.drafts import file_at
from tests.adapters.superoffice_soap_served import drafts, recording, served


async def test_without_an_extra_field_the_marker_ends_the_title_and_people_do_not_see_it():
    async with served(marker_field=None) as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open(subject="Printer on fire")

        assert "Printer on fire [ref TL-TICKET000001]" == (await stand_in.ticket(ticket.id)).subject
        assert "Printer on fire" == (await desk.get_ticket(ticket)).subject


async def test_a_ticket_whose_answer_was_lost_is_found_by_the_marker_in_its_title():
    async with served(loopback=True, marker_field=None) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        await pair.open(await pair.draft(first=pair.message(marker="TL-TICKET0000012")))
        draft = await pair.draft()
        stand_in.faults.plan.append(Fault.CUT_AFTER)
        with pytest.raises(Exception, match="may have done"):
            await desk.open_ticket(draft)
        found = await desk.find_ticket("TL-TICKET000001", draft)

        made = (await stand_in.tickets())[0]
        assert Opened(ticket=TicketRef(id=made.id, number=made.number)) == found


async def test_a_new_subject_leaves_the_marker_in_the_title_and_another_one_there():
    async with served(marker_field=None) as (desk, stand_in):
        draft = await drafts(desk, stand_in).draft()
        ticket = (await desk.open_ticket(draft)).ticket
        longest = "x" * (desk.limits.subject or 0)
        for subject in ("Printer is ash", longest):
            await desk.change(ticket, Change(act=Act.SUBJECT, value=subject))

            assert subject == (await desk.get_ticket(ticket)).subject
            assert Opened(ticket=ticket) == await desk.find_ticket(draft.first.marker, draft)

        with pytest.raises(Rejected) as caught:
            await desk.change(ticket, Change(act=Act.SUBJECT, value=f"{longest}x"))
        assert ("subject", longest) == (caught.value.field, (await desk.get_ticket(ticket)).subject)


@pytest.mark.parametrize("title", ["Order late [ref 4711]", "Order [ref TL-ABCDEFGHIJKL] late", "[ref TL-200]"])
def test_what_people_write_in_brackets_is_not_taken_for_our_marker(title):
    assert (title, "new") == (reading.TITLES.parted(title)[0], reading.TITLES.retitled(title, "new"))


async def test_a_merged_ticket_is_not_brought_back_by_a_change():
    async with served() as (desk, stand_in):
        pair = drafts(desk, stand_in)
        merged, into = await pair.open(), await pair.open()
        await stand_in.merge(merged.id, into.id)
        for act, value in ((Act.REOPEN, ""), (Act.CLOSE, ""), (Act.SUBJECT, "new"), (Act.ASSIGN, "3")):
            with pytest.raises(Rejected, match="merged"):
                await desk.change(merged, Change(act=act, value=value))

        assert "Merged" == (await stand_in.ticket(merged.id)).status
        assert "setTicket" not in stand_in.calls.made


async def test_the_longest_title_with_its_marker_is_not_longer_than_superoffice_keeps():
    async with served(marker_field=None) as (desk, stand_in):
        longest = "x" * (desk.limits.subject or 0)
        ticket = await drafts(desk, stand_in).open(subject=longest)

        assert longest == (await desk.get_ticket(ticket)).subject
        assert len((await stand_in.ticket(ticket.id)).subject) <= 255


async def test_a_subject_that_would_push_its_marker_out_is_rejected_before_anything_is_done():
    async with served(marker_field=None) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        with pytest.raises(Rejected) as caught:
            await desk.open_ticket(await pair.draft("x" * 240))

        assert ("subject", []) == (caught.value.field, stand_in.calls.made)


async def test_a_file_that_went_away_is_rejected(tmp_path: Path):
    file = file_at(tmp_path, "a.txt", b"a")
    file.path.unlink()
    async with served() as (desk, stand_in):
        with pytest.raises(Rejected) as caught:
            await desk.upload(file, "TL-1")

        assert ("files", []) == (caught.value.field, stand_in.calls.made)


async def test_the_first_message_sends_no_notification_because_the_new_ticket_has():
    async with served() as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open()
        await pair.add(ticket)
        await pair.add(ticket, pair.message(notify=False))

        assert [("new ticket", ticket.id), ("new message", ticket.id)] == stand_in.calls.notifications


async def test_a_first_message_that_was_lost_stays_without_notification_when_it_is_sent_again():
    async with served(loopback=True) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = (await desk.open_ticket(await pair.draft())).ticket
        stand_in.faults.plan.append(Fault.ERROR_BEFORE)
        with pytest.raises(Exception, match="SOAP"):
            await pair.add(ticket)
        await pair.add(ticket)

        assert [("new ticket", ticket.id)] == stand_in.calls.notifications


@pytest.mark.parametrize(
    ("asked", "setting", "sent"), [(None, True, 1), (None, False, 0), (False, True, 0), (True, False, 1)]
)
async def test_notifications_follow_the_draft_and_then_the_settings(asked, setting, sent):
    async with served(notify=setting) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        await pair.open(await pair.draft(first=pair.message(notify=asked)))

        assert sent == len(stand_in.calls.notifications)


async def test_nobody_gets_mail_unless_the_settings_name_them():
    async with served(visibility="public") as (desk, stand_in):
        pair = drafts(desk, stand_in)
        await pair.open()

        assert [] == stand_in.calls.mails


async def test_public_replies_are_mailed_to_those_whom_the_settings_name_and_notes_never():
    async with served(mail_to=["a@x.no"], mail_cc=["b@x.no"], mail_bcc=["c@x.no"]) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open(await pair.draft(first=pair.message(visibility=Visibility.INTERNAL)))
        await pair.add(ticket, pair.message(visibility=Visibility.INTERNAL))
        await pair.add(ticket, pair.message("For all."))

        [mail] = stand_in.calls.mails
        assert (["a@x.no"], ["b@x.no"], ["c@x.no"]) == (mail["To"], mail["Cc"], mail["Bcc"])
        assert "For all." in mail["body"]


async def test_a_reply_template_is_for_public_replies_only():
    async with served(reply_template=10) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open(await pair.draft(first=pair.message(visibility=Visibility.INTERNAL)))
        await pair.add(ticket)

        note, reply = await stand_in.ticket(ticket.id), (await pair.seen(ticket))[-1]
        assert ("Dear customer", False) == (reply.text.split(",")[0], "Dear" in note.messages[0].text)


async def test_a_reply_in_a_template_is_known_as_ours_by_its_marker_and_what_quotes_it_is_not():
    async with served(reply_template=10) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        draft = pair.message(visibility=Visibility.PUBLIC)
        ticket = await pair.open(await pair.draft(first=draft))
        await stand_in.reply(ticket.id, f"Done.\n> It does not print.\n>\n> Threadline ref: {draft.marker}")
        await stand_in.reply(ticket.id, f"Among us.\nThreadline ref: {draft.marker}\nAda wrote.", internal=True)

        assert [draft.marker, "", ""] == [message.marker for message in await desk.messages(ticket)]
        assert (await stand_in.ticket(ticket.id)).messages[0].text.endswith("Your desk")


@pytest.mark.parametrize(("template", "marker"), [(10, "TL-MESSAGE00001"), (-1, "")])
def test_a_marker_between_other_lines_is_looked_for_only_where_there_is_a_template(template, marker):
    body = "Dear customer,\r\n\r\nThreadline ref: TL-MESSAGE00001\r\nYour desk"
    row = {"message.body": body, "message.slevel": "2", "message.author": "Threadline"}

    assert marker == reading.message_of("1", row, (), zone=OSLO, templated=template > 0).marker
    asked = {**row, "message.author": "ada@example.com"}
    assert "" == reading.message_of("1", asked, (), zone=OSLO, templated=True).marker


async def test_both_texts_go_and_both_carry_the_marker():
    with recording() as wire:
        async with served() as (desk, stand_in):
            pair = drafts(desk, stand_in)
            await pair.open(text="It burns.")

    call = wire.last("addMessage3")
    assert "It burns.\n\nThreadline ref: TL-TICKET000001" == call.findtext("messageBody")
    assert "<p>It burns.</p><p>Threadline ref: TL-TICKET000001</p>" == call.findtext("htmlMessageBody")
    assert ("-1", "2") == (call.findtext("replyTemplateId"), call.findtext("sLevel"))


def test_messages_are_internal_unless_the_settings_say_otherwise():
    assert Visibility.INTERNAL is SuperOfficeSoapSettings.model_fields["visibility"].default


@pytest.mark.parametrize(("settings", "draft", "owner"), [
    ({}, {}, "Alex Agent"),  # -1: the category's delegation rules
    ({"owner": "1"}, {}, ""),  # 1: unassigned
    ({"owner": "1"}, {"owner": "4"}, "Berit Berg"),
    ({}, {"owner": "1"}, ""),
])  # fmt: skip
async def test_the_owner_means_what_the_manual_says(settings, draft, owner):
    async with served(**settings) as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open(**draft)

        assert owner == (await stand_in.ticket(ticket.id)).owner


async def test_a_ticket_can_be_assigned_by_address_or_login_name():
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()
        owners = []
        for who in ("berit@example.com", "alex", "4", ""):
            await desk.change(ticket, Change(act=Act.ASSIGN, value=who))
            owners.append((await stand_in.ticket(ticket.id)).owner)

        assert ["Berit Berg", "Alex Agent", "Berit Berg", ""] == owners
        with pytest.raises(Rejected, match="no such user"):
            await desk.change(ticket, Change(act=Act.ASSIGN, value="nobody@example.com"))


async def test_customers_are_the_requester_first_then_those_of_the_options_each_once():
    async with served(customer="13") as (desk, stand_in):
        pair = drafts(desk, stand_in)
        known = await desk.open_ticket(
            await pair.draft(requester=Person(name="Ada", desk_id="11"), options={"customers": "12,11, 13"})
        )
        unknown = await desk.open_ticket(await pair.draft())

        assert ["11", "12", "13"] == stand_in.site.tickets[known.ticket.id].customers
        assert ["13"] == stand_in.site.tickets[unknown.ticket.id].customers


async def test_an_address_that_two_customers_share_is_nobodys():
    async with served() as (desk, _):
        assert None is await desk.find_requester("office@example.com")


async def test_nobody_is_made_a_customer_unless_the_settings_say_so():
    async with served(create_requesters=False) as (desk, stand_in):
        with pytest.raises(Rejected, match="create_requesters"):
            await desk.create_requester(Person(name="Grace Hopper", email="grace@example.net"))

        assert (False, []) == (desk.has(Capability.CREATE_REQUESTER), stand_in.calls.made)


async def test_agents_are_offered_where_the_settings_name_them():
    async with served(agents={}) as (desk, _):
        assert False is desk.has(Capability.AGENTS)
    async with served(agents={"3": "Alex"}) as (desk, _):
        assert ["3"] == [choice.id for choice in await desk.choices(ChoiceList.AGENTS)]


async def test_categories_are_shown_by_their_whole_path_and_priorities_from_the_lowest():
    async with served() as (desk, _):
        departments, priorities = await desk.choices(ChoiceList.DEPARTMENTS), await desk.choices(ChoiceList.PRIORITIES)

        assert ["Support", "Support / Printers", "Support / Network", "Facilities"] == [
            one.label for one in departments
        ]
        assert ["Low", "Normal", "High"] == [one.label for one in priorities]


async def test_extra_fields_are_offered_by_their_types_but_for_the_one_of_the_marker():
    async with served(required_fields=["x_25"]) as (desk, _):
        found = {field.key: (field.label, field.kind, field.required) for field in await desk.custom_fields()}

        assert {
            "x_24": ("Asset tag", FieldKind.TEXT, False),
            "x_25": ("Seats", FieldKind.INTEGER, True),
            "x_26": ("Needed by", FieldKind.DATE, False),
            "x_27": ("Down since", FieldKind.DATETIME, False),
            "x_28": ("Blocks work", FieldKind.YES_NO, False),
        } == found


OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(("kind", "text", "written"), [
    ("TypeInteger", " 7 ", "7"),
    ("TypeFloat", "1.50", "1.5"),
    ("TypeDate", "2025-01-31", "2025-01-31"),
    ("TypeDateTime", "2025-01-31T14:30:00+00:00", "2025-01-31 15-30-00.000"),
    ("TypeDateTime", "2025-07-01T14:30:00Z", "2025-07-01 16-30-00.000"),
    ("TypeTime", "14:30", "14-30-00.000"),
    ("TypeBool", "yes", "1"),
    ("TypeBool", "no", "0"),
    ("TypeClob", " two\nlines ", "two\nlines"),
    ("TypeUserId", "3", "3"),
    ("TypeOfTomorrow", "x", "x"),
    ("TypeInteger", "", ""),
])  # fmt: skip
def test_values_are_written_in_the_forms_of_the_manual(kind, text, written):
    assert written == fields.written(text, kind, OSLO)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("TypeFloat", "nan"),
        ("TypeFloat", "-inf"),
        ("TypeInteger", "9" * 5000),
        ("TypeDateTime", "0001-01-01T00:00:00+14:00"),
        ("TypeDateTime", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_values_that_no_field_can_hold_are_told_what_they_must_be(kind, text):
    with pytest.raises(ValueError, match=r"^a "):
        fields.written(text, kind, OSLO)


async def test_the_key_of_a_file_never_leaves_the_adapter():
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()
        await stand_in.reply(ticket.id, "See this.", files=(("a.txt", b"a"),))
        attachment = (await desk.messages(ticket))[-1].attachments[0]

        [file] = stand_in.site.files.values()
        assert file.key not in repr(attachment)
        assert b"a" == await desk.attachment(ticket, attachment, limit=10)


async def test_a_ticket_links_to_its_place_for_agents():
    async with served(ticket_url="https://desk.example.com/ticket?id={id}") as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()

        assert f"https://desk.example.com/ticket?id={ticket.id}" == (await desk.get_ticket(ticket)).url


async def test_people_and_names_of_a_ticket_are_read():
    async with served() as (desk, stand_in):
        ada = await desk.find_requester("ADA@example.com")
        ticket = await drafts(desk, stand_in).open(requester=ada, priority="3")
        read = await desk.get_ticket(ticket)

        assert ("Support / Printers", "High", "Alex Agent") == (read.department, read.priority, read.owner)
        assert ("Ada Lovelace", "11") == (read.requester and (read.requester.name, read.requester.desk_id))


@pytest.mark.parametrize("act", [Act.PRIORITY, Act.STATUS])
async def test_what_setticket_cannot_set_is_unsupported(act: Act):
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()
        with pytest.raises(UnsupportedFeature):
            await desk.change(ticket, Change(act=act, value="1"))


async def test_a_thread_of_120_messages_with_three_files_arrives_whole_in_as_few_calls_as_there_are_steps(
    tmp_path: Path,
):
    async with served(loopback=True) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        files = [file_at(tmp_path, f"{n}.bin", bytes([n]) * 70_000) for n in range(3)]
        texts = [f"message {n}: {'æøå ' * n}" for n in range(120)]
        ticket = await pair.open(await pair.draft(text=texts[0]))
        for number, text in enumerate(texts[1:]):
            with_file = (files[number],) if number < len(files) else ()
            await pair.add(ticket, pair.message(text, marker=f"TL-{number:012}", files=with_file))
        made = list(stand_in.calls.made)
        read = await desk.messages(ticket)
        got = [await desk.attachment(ticket, one, limit=10**6) for message in read for one in message.attachments]

        assert [text.rstrip() for text in texts] == [without_marker(message.body.plain) for message in read]
        assert [file.sha256 for file in files] == [hashlib.sha256(data).hexdigest() for data in got]
        assert {"login": 1, "newTicket": 1, "addMessage3": 120, "addAttachment": 3} == {
            name: made.count(name) for name in OPERATIONS if name in made
        }


ANYTHING = st.recursive(
    st.none() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "field", "value", "parentid"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_an_odd_wsdl_makes_of_an_answer_is_read_without_falling_over(value):
    assert isinstance(reading.rows(value), tuple)
    assert isinstance(reading.strings(value), tuple)
    assert isinstance(reading.choices_of_categories(value), tuple)
    assert isinstance(reading.choices_of_priorities(value), tuple)
    assert isinstance(fields.offered(value, without="x", required=frozenset()), tuple)


async def test_many_messages_are_read_at_once_but_never_by_more_calls_than_are_allowed(monkeypatch):
    async with served(connections=3) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open()
        for number in range(12):
            await stand_in.reply(ticket.id, f"answer {number}")
        under_way, most = 0, 0
        exchange = desk.exchange

        async def counted(*args, **more):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await exchange(*args, **more)
            finally:
                under_way -= 1

        monkeypatch.setattr(desk, "exchange", counted)
        messages = await desk.messages(ticket)

        assert [f"answer {number}" for number in range(12)] == [message.body.plain for message in messages[1:]]
        assert 3 == most


async def test_a_failure_among_many_messages_is_one_error():
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()
        for number in range(9):
            await stand_in.reply(ticket.id, f"answer {number}")
        stand_in.calls.fail["getMessage"] = 4
        with pytest.raises(NotAuthorised, match="rights"):
            await desk.messages(ticket)
