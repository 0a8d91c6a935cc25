"""Every documented parameter of the calls that write is set somewhere, or the page says why not; nothing else is."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import Rejected
from adapters.model import ChoiceList, Person, Visibility
from bot.sandbox.desks import superoffice_rest_rules as rules
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from tests.adapters.conformance_wire import entered
from tests.adapters.docs_pages import PAGES
from tests.adapters.drafts import Pair, file_at

SPEC = Path(__file__).parent / "specs" / "superoffice_rest.md"
CONTACT = Person(name="Ada Lovelace", email="ada@example.com", desk_id="11")
OPTIONS = {
    "secondary_persons": "12, 13",
    "deadline": "2030-01-31T12:00:00+01:00",
    "status": "3",
    "tags": "112",
    "sale": "4",
    "project": "5",
    "language": "en",
}


def documented() -> dict[str, set[str]]:
    """The parameters of each call, as the specification lists them."""
    sections = re.split(r"^## ", SPEC.read_text(), flags=re.MULTILINE)[1:]
    return {part.split()[0]: set(re.findall(r"^\| `([\w-]+)`", part, re.MULTILINE)) for part in sections}


def left_out() -> dict[str, set[str]]:
    """The parameters of each call that the page lists as left out, with a reason."""
    page = (PAGES / "superoffice_rest.md").read_text().partition("### Parameters left out")[2]
    found: defaultdict[str, set[str]] = defaultdict(set)
    for call, names, reason in re.findall(r"^\| ([\w.]+) \| (`[^|]+) \| (.+) \|$", page, re.MULTILINE):
        assert reason.strip()
        found[call] |= set(re.findall(r"`([\w-]+)`", names))
    return dict(found)


@pytest.fixture
async def calls(tmp_path):
    """The calls that a stand-in saw after all that a desk can be asked to write."""
    seen = []
    for agents_calls in (True, False):
        stand_in = SuperOfficeRestStandIn()
        async with stand_in.serve() as table:
            address = table["url"].removesuffix("/SuperOffice")
            more = {"culture": "nb", "owner": "0", "agents_calls": agents_calls, "person": "12"}
            async with entered({**stand_in.online(address), **more}) as desk:
                pair = Pair(desk, stand_in, requester=CONTACT, department="2")
                files = (file_at(tmp_path, "a.txt", b"a"),)
                first = pair.message(visibility=Visibility.PUBLIC, files=files)
                priority = (await desk.choices(ChoiceList.PRIORITIES))[-1].id
                fields = {"x_asset": "PC-17"}
                draft = await pair.draft(first=first, priority=priority, owner="3", options=OPTIONS, fields=fields)
                ticket = await pair.open(draft)
                await pair.add(ticket, replace(pair.message(), author=Person(name="Grace")))
        assert [] == stand_in.violations
        seen += stand_in.calls.seen
    return seen


def set_by_us(calls) -> dict[str, set[str]]:
    """What we gave another value than SuperOffice's defaults have, by call."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    neutral = {"InlineImage": None}  # false is what we say of every file
    for call in (one for one in calls if one.method == "POST"):
        name = call.route.rpartition("/")[2]
        if name in {"Ticket", "TicketMessage"}:
            found[f"{name}.query"] |= call.query.keys()
            found[f"{name}.body"] |= differing(call.sent, rules.TICKET if name == "Ticket" else rules.MESSAGE)
        if name == "Ticket":
            known = {one.lower(): one for one in documented()["Ticket.headers"]}
            found["Ticket.headers"] |= {known[one] for one in call.headers if one in known}
        if name == "SaveTicketMessageEntityWithOptions":
            found[f"{name}.body"] |= call.sent.keys()
            found["TicketMessage.body"] |= differing(call.sent["Entity"], rules.MESSAGE)
        if name == "Attachment" and call.route == "Attachment":
            found["Attachment.body"] |= differing(call.sent, dict.fromkeys(rules.ATTACHMENT) | neutral)
    return dict(found)


def differing(sent, defaults) -> set[str]:
    """The properties that have another value than in *defaults*."""
    ours = {**defaults, "OwnedBy": {"AssociateId": 0}, "BaseStatus": "Active"}
    ours |= {"CreatedBy": {"AssociateId": 2}} if "LastChanged" in defaults else {}
    return {name for name, value in sent.items() if value != ours.get(name)}


async def test_each_documented_parameter_is_set_or_left_out_with_a_reason(calls):
    reached = set_by_us(calls)
    missing = {call: names - reached[call] - left_out().get(call, set()) for call, names in documented().items()}

    assert {} == {call: names for call, names in missing.items() if names}


async def test_nothing_is_both_set_and_listed_as_left_out(calls):
    reached = set_by_us(calls)

    assert {} == {call: names & reached[call] for call, names in left_out().items() if names & reached[call]}


async def test_nothing_is_set_that_is_not_documented(calls):
    reached = set_by_us(calls)

    assert {} == {call: names - documented()[call] for call, names in reached.items() if names - documented()[call]}


def test_what_is_listed_as_left_out_is_documented():
    assert {} == {call: names for call, names in left_out().items() if not names <= documented()[call]}


def test_the_stand_in_takes_exactly_the_documented_properties():
    taken = {
        "Ticket.query": set(rules.ROUTES["POST", "Ticket"]),
        "Ticket.body": set(rules.TICKET),
        "TicketMessage.query": set(rules.ROUTES["POST", "TicketMessage"]),
        "TicketMessage.body": set(rules.MESSAGE),
        "SaveTicketMessageEntityWithOptions.body": set(rules.OPTIONS),
        "Attachment.body": set(rules.ATTACHMENT),
    }

    assert {call: names for call, names in documented().items() if call != "Ticket.headers"} == taken


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"deadline": "tomorrow"}, "deadline"),
        ({"deadline": "0001-01-01T00:00:00+14:00"}, "deadline"),
        ({"deadline": "9999-12-31T23:59:59-12:00"}, "deadline"),
        ({"sale": "9" * 5000}, "sale"),
        ({"deadline": "2030-01-31T12:00:00"}, "deadline"),
        ({"secondary_persons": "12, Ada"}, "secondary_persons"),
        ({"sale": "-4"}, "sale"),
        ({"status": "99"}, "status"),
    ],
)
async def test_an_option_that_cannot_be_sent_names_its_field_and_opens_nothing(options, field):
    stand_in = SuperOfficeRestStandIn()
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        with pytest.raises(Rejected) as caught:
            await Pair(desk, stand_in).open(options=options)

    assert (field, {}) == (caught.value.field, stand_in.site.tickets)
