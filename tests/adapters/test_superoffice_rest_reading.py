"""What SuperOffice's documents say in passing about reading: times, lists, fields, people, search, webhooks."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from adapters.errors import NotAuthorised, Rejected, UnsupportedFeature
from adapters.model import ChoiceList, FieldKind, MessageRef, Person, Role, TicketRef
from adapters.superoffice_rest import fields
from adapters.superoffice_rest.archive import needle
from adapters.superoffice_rest.reading import Row, when
from bot.sandbox.desks.superoffice_rest_odata import PAGE
from tests.adapters.conformance_wire import entered
from tests.adapters.superoffice_rest_served import served, written

# --- reading


@pytest.mark.parametrize(
    ("written_so", "meant"),
    [
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
        (None, None),
        ("", None),
        ("soon", None),
        ("2021-07-07T17:37:39.2513093+02:00", datetime(2021, 7, 7, 15, 37, 39, 251309, tzinfo=UTC)),
        ("2021-07-07T17:37:39-0500", datetime(2021, 7, 7, 22, 37, 39, tzinfo=UTC)),
        ("2021-07-07T17:37:39Z", datetime(2021, 7, 7, 17, 37, 39, tzinfo=UTC)),
        ("2021-07-07T17:37:39", datetime(2021, 7, 7, 17, 37, 39, tzinfo=UTC)),
    ],
)
def test_times_are_read(written_so, meant):
    assert meant == when(written_so)


async def test_times_come_in_utc_and_the_key_of_a_file_goes_nowhere(tmp_path):
    async with served() as (_, pair):
        ticket = await pair.open()
        await pair.agents.reply(ticket.id, "See.", files=(("a.txt", b"a"),))
        (_, reply) = await pair.desk.messages(ticket)

        assert timedelta(minutes=1) > datetime.now(UTC) - reply.at
        assert "auth-key" not in repr(reply)


async def test_a_contacts_message_is_the_requesters_and_an_agents_is_not():
    async with served() as (_, pair):
        ada = Person(name="Ada Lovelace", desk_id="11")
        ticket = await pair.open(await pair.draft(first=replace(pair.message(), author=ada)))
        await pair.agents.reply(ticket.id, "Hm.")

        sides = [(one.author.role, one.author.desk_id) for one in await pair.desk.messages(ticket)]
        assert [(Role.REQUESTER, "11"), (Role.AGENT, None)] == sides


async def test_the_first_of_many_messages_is_found_though_the_servers_pages_are_shorter_than_was_asked():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        first = await pair.add(ticket, pair.message(marker="TL-FIRST0000001"))
        for number in range(PAGE):
            await stand_in.reply(ticket.id, f"Answer {number}.")

        assert MessageRef(id=first) == await pair.desk.find_message(ticket, "TL-FIRST0000001")
        assert None is await pair.desk.find_message(ticket, "TL-NEVER0000001")


async def test_a_ticket_with_many_messages_is_read_in_few_calls():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        for number in range(119):
            await pair.agents.reply(ticket.id, f"answer {number}")
        before = len(stand_in.calls.seen)
        messages = await pair.desk.messages(ticket)

        assert (120, 4) == (len(messages), len(stand_in.calls.seen) - before)


@pytest.mark.parametrize("files", [0, 1])
async def test_a_message_that_is_deleted_while_its_ticket_is_read_is_left_out(monkeypatch, files):
    async with served(agents_calls=False) as (_, pair):
        ticket = await pair.open()
        headers = await pair.desk.headers(ticket)

        async def with_one_deleted(_: object) -> list[Row]:
            return [*headers, {"TicketMessageId": 9999, "NumAttachments": files}]

        monkeypatch.setattr(pair.desk, "headers", with_one_deleted)
        assert 1 == len(await pair.desk.messages(ticket))


async def test_lists_leave_out_what_is_deleted_and_statuses_that_nobody_sets():
    async with served() as (_, pair):
        departments = [choice.label for choice in await pair.desk.choices(ChoiceList.DEPARTMENTS)]
        statuses = [choice.label for choice in await pair.desk.choices(ChoiceList.STATUSES)]

    assert ["Support", "Support/IT", "Sales"] == departments
    assert ["Open", "Closed", "Waiting for the customer"] == statuses


async def test_custom_fields_are_offered_by_their_kinds_without_the_marker_and_what_no_form_can_ask():
    async with served(required_fields=["x_asset"]) as (_, pair):
        offered = {field.key: field for field in await pair.desk.custom_fields()}

    assert {
        "x_asset": FieldKind.TEXT,
        "SuperOffice:1": FieldKind.INTEGER,
        "SuperOffice:2": FieldKind.DATE,
        "SuperOffice:3": FieldKind.YES_NO,
        "SuperOffice:4": FieldKind.CHOICE,
    } == {key: field.kind for key, field in offered.items()}
    assert (True, 60) == (offered["x_asset"].required, offered["x_asset"].max_length)
    assert [("7", "Oslo"), ("8", "Bergen")] == [(one.id, one.label) for one in offered["SuperOffice:4"].choices]


@pytest.mark.parametrize(
    ("value", "kind", "sent"),
    [
        ("3", FieldKind.INTEGER, "[I:3]"),
        ("1.50", FieldKind.NUMBER, "[F:1.5]"),
        ("2025-01-31", FieldKind.DATE, "[D:01/31/2025]"),
        ("2025-01-31T14:30:00+01:00", FieldKind.DATETIME, "[DT:01/31/2025 13:30:00]"),
        ("no", FieldKind.YES_NO, "[I:0]"),
        (" text ", FieldKind.TEXT, "text"),
        (" a\nb ", FieldKind.LONG_TEXT, " a\nb "),
    ],
)
def test_values_are_written_in_superoffices_encoding(value, kind, sent):
    assert sent == fields.written(value, kind)


@pytest.mark.parametrize("kind", [one for one in FieldKind if one not in {FieldKind.TEXT, FieldKind.LONG_TEXT}])
def test_values_of_the_wrong_form_are_told_what_they_must_be(kind):
    with pytest.raises(ValueError, match=r"a |yes or no|one of"):
        fields.written("certainly", kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("nan", FieldKind.NUMBER),
        ("-inf", FieldKind.NUMBER),
        ("9" * 5000, FieldKind.INTEGER),
        ("0001-01-01T00:00:00+14:00", FieldKind.DATETIME),
        ("9999-12-31T23:59:59-12:00", FieldKind.DATETIME),
    ],
)
def test_values_that_no_field_can_hold_are_told_what_they_must_be(value, kind):
    with pytest.raises(ValueError, match=r"^a "):
        fields.written(value, kind)


# --- people, search, changes


async def test_an_address_that_two_contacts_share_is_nobodys():
    async with served() as (_, pair):
        assert None is await pair.desk.find_requester("twins@example.com")


async def test_an_address_with_a_quote_is_found_though_no_quote_is_sent():
    async with served() as (stand_in, pair):
        found = await pair.desk.find_requester("rory.o'brien@example.com")

    assert found is not None
    assert ("Rory O'Brien", "15") == (found.name, found.desk_id)
    assert "o'brien" not in stand_in.calls.seen[-1].query["$filter"]


async def test_contacts_are_only_made_where_the_operator_asks_for_it():
    async with served(create_requesters=False) as (_, pair):
        with pytest.raises(Rejected):
            await pair.desk.create_requester(Person(name="Grace", email="grace@example.net"))


async def test_a_contact_is_made_in_the_company_of_the_settings():
    async with served(company="7") as (stand_in, pair):
        await pair.desk.create_requester(Person(name="Grace Hopper", email="grace@example.net"))
        (call,) = written(stand_in, "Person")

    assert ("Grace", "Hopper", {"ContactId": 7}) == tuple(
        call.sent[name] for name in ("Firstname", "Lastname", "Contact")
    )


@given(words=st.text(max_size=30))
def test_what_is_searched_for_holds_no_quote_and_is_part_of_the_words(words):
    assert not set("'[]\\") & set(needle(words))
    assert needle(words) in " ".join(words.split())


async def test_search_with_a_quote_compares_the_whole():
    async with served() as (_, pair):
        await pair.open(subject="the boss s printer")
        ticket = await pair.open(subject="the boss's printer")

        assert [ticket] == [one.ref for one in await pair.desk.search("BOSS'S printer")]
        assert () == await pair.desk.search("''")


async def test_changes_are_read_over_many_pages_and_no_further_than_the_cursor():
    async with served() as (stand_in, pair):
        made = [await pair.open() for _ in range(3)]
        for number in range(230):
            ticket = stand_in.site.tickets[int(made[0].id)]
            stand_in.site.tickets[5000 + number] = type(ticket)({**ticket.entity, "TicketId": 5000 + number})
        old = stand_in.site.tickets[int(made[1].id)]
        old.entity["LastChanged"] = "2020-01-01T00:00:00"
        _, cursor = await pair.desk.changed_since("")
        changed, later = await pair.desk.changed_since(cursor.replace(cursor[:4], "2021", 1))

    assert 232 == len(changed)
    assert made[1] not in changed
    assert cursor == later


async def test_a_change_that_shows_up_to_a_minute_late_is_told_and_what_is_older_is_not():
    async with served() as (stand_in, pair):
        newest, late, old = [stand_in.site.tickets[int((await pair.open()).id)] for _ in range(3)]
        newest.entity["LastChanged"] = "2025-05-05T10:00:05"
        late.entity["LastChanged"] = old.entity["LastChanged"] = "2025-05-05T09:00:00"
        _, cursor = await pair.desk.changed_since("")
        late.entity["LastChanged"], old.entity["LastChanged"] = "2025-05-05T09:59:05", "2025-05-05T09:59:04"
        changed, later = await pair.desk.changed_since(cursor)

    assert {str(newest.number), str(late.number)} == {one.id for one in changed}
    assert cursor == later


async def test_an_id_that_is_longer_than_any_leaves_no_message_out():
    async with served() as (_, pair):
        ticket = await pair.open()

        assert 1 == len(await pair.desk.messages(ticket, after="9" * 5000))


async def test_a_cursor_that_is_none_of_ours_is_refused():
    async with served() as (_, pair):
        with pytest.raises(Rejected):
            await pair.desk.changed_since("yesterday")


@pytest.mark.parametrize("number", ["x", "1/../2", "", "\u0661", "-1", "9" * 5000])
async def test_what_is_no_number_is_not_found_and_never_in_a_path(number):
    async with served() as (stand_in, pair):
        with pytest.raises(Rejected):
            await pair.desk.get_ticket(TicketRef(id=number, number=number))

    assert [] == stand_in.calls.seen


# --- webhooks


async def test_a_webhook_means_look_at_this_ticket_whenever_and_however_often_it_comes():
    async with served() as (stand_in, pair):
        calls = stand_in.hooks(["7", "8"], copies=2, late=True)

        assert [("8",), ("8",), ("7",), ("7",)] == [pair.desk.webhook(*call) for call in calls]


async def test_the_test_event_and_events_of_others_mean_nothing():
    async with served() as (stand_in, pair):
        assert () == pair.desk.webhook(*stand_in.hook("7", test=True))
        assert () == pair.desk.webhook(*stand_in.hook("7", event="contact.changed"))


async def test_a_webhook_is_believed_only_as_it_was_signed():
    async with served() as (stand_in, pair):
        headers, body = stand_in.hook("7")
        unsigned = {name: value for name, value in headers.items() if name != "x-superoffice-signature"}
        stand_in.hook_secret = "other"
        strange, _ = stand_in.hook("7", test=True)
        for attempt in (
            (headers, body + b" "),
            (unsigned, body),
            (strange, body),
            ({**headers, "x-hook-test": "true"}, b""),
        ):
            with pytest.raises(NotAuthorised):
                pair.desk.webhook(*attempt)


async def test_a_signed_webhook_of_the_wrong_form_or_customer_is_refused():
    async with served() as (stand_in, pair):
        loads = json.loads
        for wrong in (b"[]", b"{}", b"no", b'{"Event": "ticket.changed", "PrimaryKey": "x"}', b"3", b"null"):
            with pytest.raises(Rejected):
                pair.desk.webhook(*signed(stand_in, wrong))
        headers, body = stand_in.hook("7")
        about = {**loads(body), "ContextIdentifier": "Cust99"}
        address = (await pair.desk.base()).removesuffix("/SuperOffice/api/v1")
        async with entered(stand_in.online(address)) as desk:
            assert ("7",) == desk.webhook(headers, body)
            with pytest.raises(Rejected):
                desk.webhook(*signed(stand_in, json.dumps(about).encode()))
        async with entered({**stand_in.online(address), "tenant": stand_in.login.tenant.lower()}) as desk:
            assert ("7",) == desk.webhook(headers, body)


def signed(stand_in, body):
    import base64
    import hashlib
    import hmac

    digest = hmac.new(stand_in.hook_secret.encode(), body, hashlib.sha256).digest()
    return {"x-superoffice-signature": base64.b64encode(digest).decode()}, body


async def test_without_a_secret_there_are_no_webhooks():
    async with served(webhook_secret="") as (stand_in, pair):
        with pytest.raises(UnsupportedFeature):
            pair.desk.webhook(*stand_in.hook("7"))
