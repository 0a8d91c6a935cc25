"""What WHMCS's answers mean, and who writes what: odd containers, ties of dates, identities, the check, the hook."""

import hashlib
import hmac
import html
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr

from adapters.contract import with_marker
from adapters.errors import NotAuthorised, NotFound, Rejected, UnsupportedFeature
from adapters.model import Act, Body, Change, MessageRef, Person, Status, TicketRef, Visibility
from adapters.shared import InProcess
from adapters.whmcs import WhmcsDesk, writing
from adapters.whmcs_family.desk import message_of
from adapters.whmcs_family.reading import messages_of, rows, text
from bot.sandbox.desks.whmcs import WhmcsStandIn
from tests.adapters.conformance_wire import entered
from tests.adapters.drafts import Pair, body_of

SETTINGS = WhmcsDesk.Settings(kind="whmcs", url="https://w.example", identifier="a", secret=SecretStr("b"))


@pytest.mark.parametrize("empty", [[], {}, "", None, {"x": []}, {"x": {}}, {"x": ""}, {"x": None}, {"x": [[]]}, 0, "a"])
def test_every_empty_list_is_empty(empty):
    assert [] == rows(empty, "x")


@pytest.mark.parametrize(
    "container",
    [
        {"x": [{"id": 1}]},
        {"x": {"id": 1}},
        {"x": {"0": {"id": 1}}},
        {"x": {"7": {"id": 1}}},
        [{"id": 1}],
        {"0": {"id": 1}},
    ],
)
def test_every_list_of_one_is_that_one(container):
    assert [{"id": 1}] == rows(container, "x")


@given(st.text())
def test_a_text_that_whmcs_encoded_once_is_decoded_once(wild):
    lines = wild.replace("\r\n", "\n")
    kept = html.escape(lines).replace("\n", "\r\n")

    assert lines == text(kept)


def ticket(*entries):
    """A GetTicket answer with replies and notes given as ("r", number, second)."""
    found = {kind: [entry for entry in entries if entry[0] == kind] for kind in "rn"}
    row = {"date": "", "message": "m"}
    dated = {
        kind: [{**row, "date": f"2024-01-01 00:00:{second:02}", f"{word}id": str(number)} for _, number, second in ones]
        for (kind, ones), word in zip(found.items(), ("reply", "note"), strict=True)
    }
    return {"ticketid": "1", "replies": {"reply": dated["r"]}, "notes": {"note": dated["n"]}}


POSTS = st.lists(st.tuples(st.sampled_from("rn"), st.integers(0, 2)), min_size=1, max_size=12)


@given(POSTS, st.data())
def test_whatever_arrives_behind_a_message_that_was_seen_is_told(steps, data):
    second, entries = 0, []
    for number, (kind, pause) in enumerate(steps):
        second += pause
        entries.append((kind, number, second))
    early = data.draw(st.integers(1, len(entries)))
    seen = messages_of(ticket(*entries[:early]), SETTINGS)[-1].id

    told = {message.id for message in messages_of(ticket(*entries), SETTINGS, after=seen)}
    assert {f"{kind}{number}" for kind, number, _ in entries[early:]} <= told
    assert seen not in told


@given(POSTS, st.data())
def test_behind_a_mark_is_just_what_arrived_since_whatever_the_dates_and_their_order_say(steps, data):
    entries = [(kind, number, data.draw(st.integers(0, 59))) for number, (kind, _) in enumerate(steps)]
    early = data.draw(st.integers(1, len(entries)))
    mark = messages_of(ticket(*entries[:early]), SETTINGS)[-1].mark
    gone = data.draw(st.sampled_from([None, *entries[:early]]))
    left = data.draw(st.permutations([entry for entry in entries if entry != gone]))

    told = [message.id for message in messages_of(ticket(*left), SETTINGS, after=mark)]
    assert sorted(f"{kind}{number}" for kind, number, _ in entries[early:]) == sorted(told)


def test_a_reply_of_the_hour_that_comes_twice_in_autumn_is_told_behind_a_note_with_a_later_date():
    note = messages_of(ticket(("r", 0, 1), ("n", 1, 50)), SETTINGS)[-1]

    (told,) = messages_of(ticket(("r", 0, 1), ("n", 1, 50), ("r", 2, 10)), SETTINGS, after=note.mark)
    assert ("n1", "r2", "r2,n1") == (note.id, told.id, told.mark)


def test_replies_come_in_their_order_where_the_newest_is_told_first():
    told = messages_of(ticket(("r", 2, 30), ("r", 1, 20), ("r", 0, 10)), SETTINGS)

    assert ["r0", "r1", "r2"] == [message.id for message in told]


def test_messages_behind_one_that_was_deleted_are_told():
    told = messages_of(ticket(("r", 0, 1), ("n", 1, 2), ("r", 3, 4), ("n", 2, 5)), SETTINGS, after="r2")

    assert ["n1", "r3", "n2"] == [message.id for message in told]


# Identities, against the stand-in.


@pytest.fixture
async def pair():
    stand_in = WhmcsStandIn()
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        yield Pair(desk, stand_in, department="1")
    assert [] == stand_in.violations


async def with_settings(stand_in: WhmcsStandIn, act, **settings):
    async with stand_in.serve() as table, entered({**table, "department": "1", **settings}) as desk:
        return await act(Pair(desk, stand_in, department="1"))


STRANGER = Person(name="Eve [*x*]", email="eve@elsewhere.example", trusted_email=False)


@pytest.mark.parametrize(
    ("author", "settings", "shown", "first_line"),
    [
        (Person(name="Grace", email="grace@example.com"), {}, "Grace", "Hello."),
        (Person(name="Bot"), {}, "Bot", "Hello."),
        (Person(name="A", desk_id="client:1"), {}, "Ada Lovelace", "Hello."),
        (Person(name="C", desk_id="contact:1:7"), {}, "Charles Babbage", "Hello."),
        (Person(name="Mary", desk_id="user:1:4"), {}, "Ada Lovelace", "**Mary** wrote:"),
        (Person(name="Grace"), {"reply_as": "staff"}, "Grace", "Hello."),
        (STRANGER, {"reply_as": "staff", "admin_username": "admin"}, "Demo User", r"**Eve \[\*x\*\]** wrote:"),
        (STRANGER, {"markdown": False, "guest_email": "guest@example.com"}, "Eve [*x*]", "Hello."),
    ],
)
async def test_a_reply_is_by_its_author_or_says_who_wrote_it(author, settings, shown, first_line):
    async def act(pair: Pair):
        ticket = await pair.open()
        await pair.desk.add_message(ticket, replace(pair.message("Hello."), author=author))
        return (await pair.seen(ticket))[-1]

    seen = await with_settings(WhmcsStandIn(), act, **settings)
    assert (shown, first_line) == (seen.author, seen.text.splitlines()[0])


async def test_a_note_says_who_wrote_it(pair: Pair):
    ticket = await pair.open()
    await pair.desk.add_message(ticket, pair.message("Hm.", visibility=Visibility.INTERNAL))

    assert ["**Ada Lovelace** wrote:", "Hm."] == (await pair.seen(ticket))[-1].text.split("\n\n")[:2]


async def test_an_address_that_cannot_be_trusted_makes_way_for_the_guests(pair: Pair):
    opener = writing.opener("acme", STRANGER, SETTINGS.model_copy(update={"guest_email": "guest@example.com"}))

    assert {"name": "Eve [*x*]", "email": "guest@example.com"} == opener
    assert "eve@elsewhere.example" == writing.opener("acme", STRANGER, SETTINGS)["email"]


async def test_a_requester_without_an_address_is_rejected_or_belongs_to_the_default_client(pair: Pair):
    nobody = Person(name="No Mail")
    with pytest.raises(Rejected) as caught:
        await pair.open(requester=nobody)

    async def act(pair: Pair):
        ticket = await pair.open(requester=nobody)
        return (await pair.agents.ticket(ticket.id)).requester, (await pair.seen(ticket))[0].text

    requester, said = await with_settings(WhmcsStandIn(), act, default_client="2")
    assert ("requester", "Acme & Sons <office@acme.example>") == (caught.value.field, requester)
    assert said.startswith("**No Mail** wrote:")


async def test_nothing_is_told_again_where_an_agent_deletes_the_note_that_was_told_last(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    ticket = await pair.open()
    await pair.agents.reply(ticket.id, "Try another one")
    await pair.agents.reply(ticket.id, "he is wrong again", internal=True)
    mark = (await pair.desk.messages(ticket))[-1].mark
    await stand_in.delete_note(ticket.id)

    assert () == await pair.desk.messages(ticket, after=mark)


async def test_quiet_and_closing_by_the_client_are_asked_for(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    await pair.open(first=pair.message(notify=False), options={"preventClientClosure": "no"})
    await pair.open(first=pair.message(notify=True), options={"preventClientClosure": "yes"})
    await pair.open()

    kept = [(ticket.noemail, ticket.prevent_closure) for ticket in stand_in.state.tickets.values()]
    assert [(True, False), (False, True), (False, None)] == kept


async def test_the_first_message_is_public_and_stays(pair: Pair):
    ticket = await pair.open()
    with pytest.raises(UnsupportedFeature):
        await pair.open(first=pair.message(visibility=Visibility.INTERNAL))
    with pytest.raises(UnsupportedFeature):
        await pair.desk.delete_message(ticket, MessageRef(id="r0"))
    with pytest.raises(UnsupportedFeature):
        await pair.desk.edit_message(ticket, MessageRef(id="n1"), body_of("x"), "TL-1")
    await pair.desk.edit_message(ticket, MessageRef(id="r0"), body_of("Better."), "TL-TICKET000001")

    assert "Better." in (await pair.seen(ticket))[0].text


async def test_a_message_without_a_number_must_be_found_before_it_is_edited_or_deleted(pair: Pair):
    ticket = await pair.open()
    made = await pair.desk.add_message(ticket, pair.message("Frist.", marker="TL-X"))

    with pytest.raises(NotFound):
        await pair.desk.edit_message(ticket, made, body_of("First."), "TL-X")
    with pytest.raises(NotFound):
        await pair.desk.delete_message(ticket, made)


async def test_the_owner_is_shown_by_name_and_by_number_where_names_may_not_be_read(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    ticket = await pair.open()
    await pair.desk.change(ticket, Change(act=Act.ASSIGN, value="2"))
    owner = (await pair.desk.get_ticket(ticket)).owner
    stand_in.denied = {"GetAdminUsers"}

    assert "Georgina Williams" == owner
    assert "admin 2" == await with_settings(stand_in, lambda other: _owner(other, ticket))


async def test_the_names_of_admins_are_asked_once_also_where_the_owner_is_not_among_them(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    ticket = await pair.open()
    stand_in.state.tickets[int(ticket.id)].flag = "77"
    owners = {(await pair.desk.get_ticket(ticket)).owner for _ in range(3)}

    assert ({"admin 77"}, 1) == (owners, [call.action for call in stand_in.calls].count("GetAdminUsers"))


async def _owner(pair: Pair, ticket: TicketRef):
    return (await pair.desk.get_ticket(ticket)).owner


async def test_a_ticket_that_answers_with_another_number_was_merged(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    old, new = await pair.open(), await pair.open()
    stand_in.state.tickets[int(old.id)] = stand_in.state.tickets[int(new.id)]

    ticket = await pair.desk.get_ticket(old)
    assert (old, Status.GONE, new) == (ticket.ref, ticket.status, ticket.merged_into)


async def test_a_lost_ticket_is_found_beyond_the_first_page_and_by_any_subject(pair: Pair):
    for number in range(120):
        await pair.desk.open_ticket(await pair.draft("Ünïcödé & <b>", f"other {number}"))
    draft = await pair.draft("Ünïcödé & <b>", first=pair.message(marker="TL-WANTED"))
    wanted = await pair.open(draft)
    for number in range(3):
        await pair.desk.open_ticket(await pair.draft("Ünïcödé & <b>", f"other {number}"))

    found = await pair.desk.find_ticket("TL-WANTED", draft)
    assert found is not None
    assert wanted == found.ticket


@pytest.mark.parametrize("words", ["can't print", "& Sons", '"quoted"', "<b>", "Ünï", "print"])
async def test_a_search_finds_what_whmcs_keeps_with_entities(pair: Pair, words):
    wanted = await pair.open(subject='Acme & Sons can\'t print "quoted" <b> Ünïcödé')
    await pair.open(subject="Another printer")
    found = [ticket.ref for ticket in await pair.desk.search(words)]

    assert [wanted] == [ref for ref in found if ref == wanted]
    assert words == "print" or 1 == len(found)


# Who asks.


async def test_whoever_belongs_to_several_clients_asks_for_none_of_them(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    for client in stand_in.state.clients.values():
        client.users["8"] = ("Hedy Lamarr", "hedy@example.com")
    one = await pair.desk.find_requester("mary@example.com")

    assert (None, "user:1:4") == (await pair.desk.find_requester("hedy@example.com"), one and one.desk_id)


async def test_before_whmcs_had_users_people_are_looked_for_among_the_others(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    stand_in.lacking = {"GetUsers"}
    failing = [finding for finding in await pair.desk.check() if not finding.ok]

    assert None is await pair.desk.find_requester("nobody@example.com")
    assert [("API action GetUsers", True)] == [(one.subject, "look_up" in one.remedy) for one in failing]


# What fits.


def test_a_request_must_have_room_for_a_message():
    with pytest.raises(ValueError, match="post_max_size"):
        WhmcsDesk.Settings.model_validate({**SETTINGS.model_dump(), "post_max_size": 120_000})


@given(st.text(st.sampled_from("\"&<'ü日🎉"), min_size=1, max_size=1))
def test_a_text_as_long_as_promised_fits_whatever_it_is_of(letter):
    desk = WhmcsDesk("acme", SETTINGS, InProcess())
    body = with_marker(Body(plain=letter * (desk.limits.body or 0)), "TL-ABCDEFGH2345")

    settings = SETTINGS.model_copy(update={"four_bytes": True})
    assert (body.plain, False) == message_of(body, settings, desk="acme", system="WHMCS")


# The check, and the hook.


async def test_the_check_names_each_missing_action_and_an_unknown_address(pair: Pair):
    stand_in = pair.agents
    assert isinstance(stand_in, WhmcsStandIn)
    stand_in.denied = {"AddTicketNote", "GetUsers"}
    denied = [finding for finding in await pair.desk.check() if not finding.ok]
    stand_in.unknown_ip = "2001:db8::7"
    unknown = await pair.desk.check()

    assert ["API action AddTicketNote", "API action GetUsers"] == [finding.subject for finding in denied]
    assert all("role" in finding.remedy for finding in denied)
    assert (1, False, True) == (len(unknown), unknown[0].ok, "2001:db8::7" in unknown[0].remedy)


async def test_the_check_notices_a_time_zone_in_which_tickets_are_from_the_future():
    async def act(pair: Pair):
        await pair.open()
        return [finding.subject for finding in await pair.desk.check() if not finding.ok]

    stand_in = WhmcsStandIn(zone="Asia/Tokyo")
    assert ["time zone"] == await with_settings(stand_in, act, timezone="America/Los_Angeles")


def signed(desk: WhmcsDesk, body: bytes) -> dict[str, str]:
    secret = desk.settings.webhook_secret.get_secret_value().encode()
    return {"x-threadline-signature": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()}


def test_a_hook_is_believed_only_with_the_right_signature():
    hooked = SETTINGS.model_copy(update={"webhook_secret": SecretStr("hook")})
    desk = WhmcsDesk("acme", hooked, InProcess())
    body = json.dumps({"tickets": [7, "8"]}).encode()

    assert ("7", "8") == desk.webhook(signed(desk, body), body)
    for headers, wrong in (({}, body), (signed(desk, body), body + b" "), ({"x-threadline-signature": "ü"}, body)):
        with pytest.raises(NotAuthorised):
            desk.webhook(headers, wrong)
    for odd in (b"", b"[]", b'{"tickets": 7}', b'{"tickets": ["x"]}', b'{"tickets": [null]}', b"\xff"):
        with pytest.raises(Rejected):
            desk.webhook(signed(desk, odd), odd)


def test_dates_are_of_the_servers_zone():
    rome = SETTINGS.model_copy(update={"timezone": "Europe/Rome"})
    (message,) = messages_of(ticket(("r", 0, 5)), rome)

    assert datetime(2023, 12, 31, 23, 0, 5, tzinfo=UTC) == message.at
    assert message.at is not None
    assert timedelta(hours=1) == message.at.utcoffset()


async def test_a_file_whose_base64_is_nothing_but_slashes_comes_whole():
    """As of a white picture: PHP writes each of them as two characters."""
    stand_in, white = WhmcsStandIn(), b"\xff" * 300_000
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        ticket = await Pair(desk, stand_in).open()
        await stand_in.reply(ticket.id, "See.", files=(("white.bmp", white),))
        *_, reply = await desk.messages(ticket)

        assert white == await desk.attachment(ticket, reply.attachments[0], limit=len(white))


async def test_a_lost_ticket_is_found_while_another_one_with_its_subject_is_deleted(pair: Pair, monkeypatch):
    draft = await pair.draft("Printer on fire", first=pair.message(marker="TL-WANTED"))
    wanted = await pair.open(draft)
    other = await pair.open(subject="Printer on fire")
    desk, tickets = pair.desk, WhmcsDesk._tickets

    async def then_deleted(self, params):
        async for row in tickets(self, params):
            yield row
        await pair.agents.delete(other.id)

    monkeypatch.setattr(WhmcsDesk, "_tickets", then_deleted)
    found = await desk.find_ticket("TL-WANTED", draft)

    assert found is not None
    assert wanted == found.ticket
