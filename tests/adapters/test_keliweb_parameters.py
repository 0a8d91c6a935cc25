"""Every documented parameter of every method is sent somewhere, or the page says why not; nothing else is sent."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import Misconfigured, Rejected, UnsupportedFeature
from adapters.model import Person, Visibility
from adapters.registry import settings_for
from bot.sandbox.desks.keliweb import EXAMPLES, PARAMETERS, KeliwebStandIn
from tests.adapters.conformance_wire import entered
from tests.adapters.docs_pages import PAGES
from tests.adapters.drafts import Pair, file_at

SPEC = Path(__file__).parent / "specs" / "keliweb.md"
STRANGER = Person(name="Grace Hopper", email="grace@example.net")
CONTACT = Person(name="Charles Babbage", email="charles@example.com")


def documented(*, examples: bool) -> dict[str, set[str]]:
    """The parameters of each method in the lists of the documents, and in their examples."""
    sections = re.split(r"^## ", SPEC.read_text(), flags=re.MULTILINE)[1:]
    row = r"^\| `(\w+)`" if examples else r"^\| `(\w+)` \| \w+ \| (?!example)"
    return {part.split()[0]: set(re.findall(row, part, re.MULTILINE)) for part in sections}


def left_out() -> dict[str, set[str]]:
    """The parameters of each method that the page lists as left out."""
    page = (PAGES / "keliweb.md").read_text().partition("### Parameters left out")[2]
    found: defaultdict[str, set[str]] = defaultdict(set)
    for method, names, reason in re.findall(r"^\| ([\w-]+) \| (`[^|]+) \| (.+) \|$", page, re.MULTILINE):
        assert len(reason.split()) > 3
        found[method] |= set(re.findall(r"`(\w+)`", names))
    return found


class Recording(KeliwebStandIn):
    """A stand-in that remembers which parameters each method got."""

    def __init__(self, *, as_in_examples: bool) -> None:
        super().__init__(as_in_examples=as_in_examples)
        self.sent: defaultdict[str, set[str]] = defaultdict(set)

    def _done(self, method, form):
        self.sent[method] |= form.values.keys()
        return super()._done(method, form)


async def everything(tmp_path: Path, *, examples: bool) -> Recording:
    """A stand-in after all that a desk can be asked for; with what only the documents' examples send, if asked."""
    stand_in = Recording(as_in_examples=examples)
    opt_in = {"client": "1", "send_priority": True, "markdown_names": ["markdown", "useMarkdown"]} if examples else {}
    contacts = {"contacts": {"charles@example.com": "7"}}
    async with stand_in.serve() as table, entered({**table, **contacts, **opt_in}) as desk:
        pair = Pair(desk, stand_in, department="1")
        files = (file_at(tmp_path, "a.txt", b"a"),)
        priority = "High" if examples else None
        ticket = await pair.open(
            requester=STRANGER,
            first=pair.message(files=files),
            fields={"asset_tag": "1"},
            options={"serviceid": "21"},
            priority=priority,
        )
        await pair.open(requester=CONTACT, options={"domainid": "31"})
        for author in (STRANGER, CONTACT):
            await desk.add_message(ticket, replace(pair.message(files=files), author=author))
        await desk.messages(ticket)
        await desk.find_by_number(ticket.number)
    return stand_in


@pytest.mark.parametrize("examples", [False, True])
async def test_each_documented_parameter_is_either_sent_or_left_out_with_a_reason(tmp_path, examples):
    stand_in = await everything(tmp_path, examples=examples)
    known = documented(examples=examples)

    assert left_out() == {method: rest for method, names in known.items() if (rest := names - stand_in.sent[method])}
    assert {} == {method: more for method, names in stand_in.sent.items() if (more := names - known[method])}
    assert [] == stand_in.violations


def test_the_stand_in_takes_exactly_the_documented_parameters():
    assert documented(examples=False) == {method: set(names) for method, names in PARAMETERS.items()}
    assert documented(examples=True) == {
        method: {*names, *EXAMPLES.get(method, ())} for method, names in PARAMETERS.items()
    }


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"options": {"colour": "red"}}, "colour"),
        ({"options": {"serviceid": "1", "domainid": "1"}}, "domainid"),
        ({"options": {"contactid": "Ada"}}, "contactid"),
        ({"priority": "High"}, "priority"),
        ({"owner": "2"}, "owner"),
        ({"department": ""}, "department"),
        ({"fields": {"colour": "red"}}, "colour"),
    ],
)
async def test_what_cannot_be_told_is_refused_before_anything_is_sent(asked, field):
    stand_in = KeliwebStandIn()
    async with stand_in.serve() as table, entered(table) as desk:
        with pytest.raises(Rejected) as caught:
            await Pair(desk, stand_in).open(**asked)

    assert (field, [], []) == (caught.value.field, stand_in.calls, stand_in.violations)
    assert caught.value.remedy


async def test_an_internal_note_is_refused_before_anything_is_sent():
    stand_in = KeliwebStandIn()
    async with stand_in.serve() as table, entered(table) as desk:
        pair = Pair(desk, stand_in, department="1")
        note = pair.message(visibility=Visibility.INTERNAL)
        with pytest.raises(UnsupportedFeature):
            await pair.open(first=note)

    assert ({}, []) == (stand_in.state.tickets, stand_in.calls)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"password": ""}, "token"),
        ({"token": "T"}, "token"),
        ({"token": "T\n", "client_id": "", "client_secret": "", "username": "", "password": ""}, "token"),
        ({"client_id": "", "client_secret": "", "username": "", "password": ""}, "token"),
        ({"client_id": "", "token": "T"}, "token"),
        ({"priority": "High"}, "send_priority"),
        ({"departments": {"Support": "1"}}, "is no number"),
        ({"contacts": {"ada@example.com": "Ada"}}, "is no number"),
        ({"timezone": "Rome"}, "time zone"),
        ({"url": "keliweb"}, "address"),
        ({"markdown_names": ["md"]}, "markdown_names"),
    ],
)
def test_settings_that_cannot_work_are_named(change, word):
    table = {**KeliwebStandIn().settings("https://keliweb.example"), **change}
    with pytest.raises(Misconfigured, match=word) as caught:
        settings_for("acme", table)

    assert "sandbox" not in str(caught.value)
