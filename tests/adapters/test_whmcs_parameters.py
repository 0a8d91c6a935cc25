"""Every documented parameter of every call is sent somewhere, or the page says why not; nothing else is sent."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import Rejected
from adapters.model import Act, Change, ChoiceList, MessageRef, Person, Role, TicketRef, Visibility
from bot.sandbox.desks.whmcs import WhmcsStandIn
from bot.sandbox.desks.whmcs_parameters import PARAMETERS
from tests.adapters.conformance_wire import entered
from tests.adapters.docs_pages import PAGES
from tests.adapters.drafts import SENT_AT, Pair, file_at

SPEC = Path(__file__).parent / "specs" / "whmcs.md"
NOT_CALLED = {"GetTicketNotes"}
BY_ADDRESS = {"GetClientsDetails", "GetContacts", "GetUsers", "GetAdminUsers"}


def documented() -> dict[str, set[str]]:
    """The parameters of each action, as the specification lists them."""
    sections = re.split(r"^## ", SPEC.read_text(), flags=re.MULTILINE)[1:]
    return {part.split()[0]: set(re.findall(r"^\| `(\w+)`", part, re.MULTILINE)) for part in sections}


def left_out() -> dict[str, set[str]]:
    """The parameters of each action that the page lists as left out."""
    page = (PAGES / "whmcs.md").read_text().partition("### Parameters left out")[2]
    found = re.findall(r"^\| (\w+) \| (`[^|]+) \| (.+) \|$", page, re.MULTILINE)
    return {action: set(re.findall(r"`(\w+)`", names)) for action, names, reason in _merged(found) if reason}


def _merged(rows):
    by_action = defaultdict(list)
    for action, names, reason in rows:
        by_action[action].append((names, reason))
    return [(action, " ".join(names for names, _ in found), found[0][1]) for action, found in by_action.items()]


async def everything(tmp_path) -> tuple[WhmcsStandIn, dict[str, set[str]]]:
    """A stand-in after all that a desk can be asked for, and the parameters that it was sent."""
    stand_in = WhmcsStandIn()
    async with stand_in.serve() as table:
        settings = {"send_times": True, "department": "1", "reply_status": "In Progress"}
        async with entered({**table, **settings}) as desk:
            await _converse(Pair(desk, stand_in, department="1"), tmp_path)
        async with entered({**table, **settings, "reply_as": "staff", "admin_username": "georgina"}) as desk:
            await desk.add_message(TicketRef(id="1", number="1"), Pair(desk, stand_in).message())
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for call in stand_in.calls:
        sent[call.action] |= call.given.keys()
    return stand_in, sent


async def _converse(pair: Pair, tmp_path: Path) -> None:
    file = file_at(tmp_path, "a.txt", b"a")
    full: dict[str, Any] = {"files": (file,), "sent_at": SENT_AT, "notify": False}
    client = Person(name="Ada Lovelace", email="ada@example.com", desk_id="client:1")
    user, contact = (Person(name="B", desk_id=desk_id) for desk_id in ("user:1:3", "contact:1:7"))
    options = {"serviceid": "21", "preventClientClosure": "no"}
    fields = {"asset_tag": "1"}
    first = pair.message(**full)
    ticket = await pair.open(first=first, requester=user, options=options, fields=fields, priority="High")
    await pair.open(requester=contact, options={"domainid": "31"})
    await pair.open(requester=client)
    await pair.open()
    for author in (pair.requester, client, contact, Person(name="C", role=Role.AGENT)):
        await pair.desk.add_message(ticket, replace(pair.message(**full), author=author))
    await pair.desk.add_message(ticket, pair.message(visibility=Visibility.INTERNAL, **full))
    for act, value in (
        (Act.CLOSE, ""),
        (Act.ASSIGN, "2"),
        (Act.ASSIGN, ""),
        (Act.PRIORITY, "Low"),
        (Act.DEPARTMENT, "2"),
        (Act.SUBJECT, "S"),
    ):
        await pair.desk.change(ticket, Change(act=act, value=value))
    messages = await pair.desk.messages(ticket)
    for id_ in ("r0", messages[-2].id if messages[-2].id.startswith("r") else messages[-1].id):
        await pair.desk.edit_message(ticket, MessageRef(id=id_), first.body, "TL-1")
    for message in messages[1:]:
        await pair.desk.delete_message(ticket, MessageRef(id=message.id))
    await pair.desk.attachment(ticket, messages[0].attachments[0], limit=9)
    await pair.desk.find_by_number((await pair.desk.get_ticket(ticket)).ref.number)
    await pair.desk.find_ticket("TL-NEVER", await pair.draft())
    await pair.desk.find_ticket("TL-NEVER", await pair.draft(requester=client))
    await pair.desk.find_requester("nobody@example.org")
    for which in ChoiceList:
        await pair.desk.choices(which)


async def test_each_documented_parameter_is_sent_or_left_out_with_a_reason(tmp_path):
    stand_in, sent = await everything(tmp_path)
    missing = {}
    for action, names in documented().items():
        if action in NOT_CALLED:
            continue
        lacking = names - sent[action] - left_out().get(action, set())
        if action in BY_ADDRESS:
            lacking = set() if sent[action] & {"email", "search"} or action == "GetAdminUsers" else lacking
        if lacking:
            missing[action] = lacking

    assert {} == missing
    assert [] == stand_in.violations


async def test_nothing_is_both_sent_and_listed_as_left_out(tmp_path):
    _, sent = await everything(tmp_path)

    assert {} == {action: names & sent[action] for action, names in left_out().items() if names & sent[action]}


def test_what_is_listed_as_left_out_is_documented():
    assert {} == {action: names for action, names in left_out().items() if not names <= documented()[action]}


def test_the_stand_in_takes_exactly_the_documented_parameters():
    assert documented() == {action: set(names) for action, names in PARAMETERS.items()}


async def test_an_option_that_whmcs_does_not_have_is_refused(tmp_path):
    stand_in = WhmcsStandIn()
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        for options in ({"colour": "red"}, {"serviceid": "1", "domainid": "1"}):
            with pytest.raises(Rejected) as caught:
                await Pair(desk, stand_in).open(options=options)

            assert caught.value.field in options

    assert {} == stand_in.state.tickets


@pytest.mark.parametrize("desk_id", ["7", "client:", "client:x", "contact:1", "user:1:", "admin:1", "client:1:2"])
async def test_a_person_whose_id_is_none_of_whmcss_is_refused_and_not_taken_for_a_stranger(desk_id):
    stand_in, person = WhmcsStandIn(), Person(name="Ada", email="ada@example.org", desk_id=desk_id)
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        pair = Pair(desk, stand_in)
        ticket = await pair.open()
        for attempt in (pair.open(requester=person), pair.add(ticket, replace(pair.message(), author=person))):
            with pytest.raises(Rejected, match="people map") as caught:
                await attempt
            assert "requester" == caught.value.field

        assert (1, 1) == (len(await stand_in.tickets()), len(await pair.seen(ticket)))
