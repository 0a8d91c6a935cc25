"""Every view keeps to Block Kit's rules whatever is put into it, and says as text what its blocks say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from slack_sdk.models.blocks import Block as SdkBlock
from slack_sdk.models.views import View

from adapters.contract import Capability, Limits
from adapters.model import Choice, Field, FieldKind, Person, Status, Ticket, TicketRef
from adapters.settings import DeskSettings
from bot.conversion.catalogue import Listing
from bot.conversion.ports import Card
from bot.conversion.records import Link, ThreadKey
from bot.sandbox.slack.kit_check import check_message_blocks, check_view
from bot.slack.ids import Action, Block
from bot.slack.views.card import card
from bot.slack.views.elements import spoken
from bot.slack.views.form import Form, ThreadSummary, form, summary_words
from bot.slack.views.help import help_text
from bot.slack.views.home import Failed, Home, home
from bot.slack.views.joining import joining
from bot.slack.views.notices import already_linked, being_made, notice, notice_modal
from bot.slack.views.results import Listed, Row, results
from bot.slack.views.writing import assign_modal, edit_modal, note_modal, reply_modal, reread_modal
from bot.slack.wishes import understood
from bot.words import size_words

WILD = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["", " ", "\n", "<!channel> *x* <@U1> & |", "x" * 5000, "\u202e:tada:", "@here `a`"]),
)
NAMES = st.one_of(st.sampled_from(["local", "whmcs"]), st.from_regex(r"[a-z][a-z0-9_-]{0,30}", fullmatch=True))
KEYS = st.one_of(st.from_regex(r"[a-z_]{1,40}", fullmatch=True), st.just("k" * 300))
CHOICES = st.lists(st.builds(Choice, id=WILD, label=WILD, group=st.none() | WILD), max_size=4).map(tuple)
LONG = st.integers(0, 250).map(
    lambda number: tuple(Choice(id=f"c{one}", label=f"Choice {one}") for one in range(number))
)
LISTINGS = st.builds(Listing, CHOICES | LONG, st.booleans())
FIELDS = st.builds(
    Field,
    key=KEYS,
    label=WILD,
    kind=st.sampled_from(FieldKind),
    required=st.booleans(),
    hint=WILD,
    max_length=st.none() | st.integers(0, 10_000),
    choices=CHOICES | LONG,
)
UNIQUE_FIELDS = st.lists(FIELDS, max_size=120, unique_by=lambda one: one.key).map(tuple)


class _ViewedDesk:
    """As much of a desk as a view looks at."""

    def __init__(self, name, *, title="", capabilities=frozenset(Capability), subject=255, files=None, options=()):
        keys = tuple(one.key for one in options)
        self.settings = DeskSettings(kind="x", title=title, ask_options=keys, department="c7", priority="gone")
        self.name, self.title = name, title or name
        self.limits = Limits(subject=subject, files=files)
        self.options = options
        self.capabilities = capabilities

    def has(self, capability):
        return capability in self.capabilities


ViewedDesk: Any = _ViewedDesk
DESKS = st.builds(
    ViewedDesk,
    name=NAMES,
    title=WILD,
    capabilities=st.frozensets(st.sampled_from(Capability)),
    subject=st.none() | st.integers(1, 5000),
    files=st.none() | st.integers(0, 50),
    options=UNIQUE_FIELDS.map(lambda found: found[:5]),
)
TICKETS = st.builds(
    Ticket,
    ref=st.builds(TicketRef, id=WILD, number=WILD),
    subject=WILD,
    status=st.sampled_from(Status),
    status_name=WILD,
    department=st.none() | WILD,
    priority=st.none() | WILD,
    owner=st.none() | WILD,
    requester=st.none() | st.builds(Person, name=WILD),
    url=st.none() | WILD | st.just("https://desk.example/1"),
    merged_into=st.none() | st.builds(TicketRef, id=WILD, number=WILD),
)


def linked(**more):
    return Link(
        thread=ThreadKey(team="T1", channel="C1", ts="1700000000.000100"),
        desk="local",
        ticket_id="7",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        **{"number": "1042", **more},
    )


def checked_message(said):
    blocks, text = said
    check_message_blocks(blocks)
    for block in SdkBlock.parse_all(blocks):
        block.validate_json()
    assert text == spoken(blocks)
    assert not any(sign in text for sign in ("<", ">"))
    return blocks, text


def checked_view(view, *, is_home=False):
    check_view(view, home=is_home)
    if not is_home:
        View(**{key: value for key, value in view.items() if key != "blocks"}, blocks=view["blocks"]).validate_json()
    for block in SdkBlock.parse_all(view["blocks"]):
        block.validate_json()
    assert not marked_up(view)
    return view


def marked_up(value):
    """Whether any text in a view would be read by Slack for mentions and links."""
    if isinstance(value, dict):
        return value.get("type") == "mrkdwn" or any(marked_up(one) for one in value.values())
    return isinstance(value, list) and any(marked_up(one) for one in value)


@given(
    link=st.builds(linked, number=WILD, subject=WILD, url=WILD, status=WILD),
    desk=DESKS,
    ticket=st.none() | TICKETS,
    note=WILD,
    left_out=st.lists(WILD, max_size=30).map(tuple),
)
@settings(max_examples=60, deadline=None)
def test_a_card_is_valid_and_says_the_same_as_text(link, desk, ticket, note, left_out):
    blocks, _ = checked_message(card(Card(link=link, desk=desk, ticket=ticket, note=note, left_out=left_out)))

    assert not marked_up(blocks)
    assert len(blocks) <= 50


@given(
    desk=DESKS,
    others=st.lists(st.builds(Choice, id=NAMES, label=WILD), max_size=120, unique_by=lambda one: one.id).map(tuple),
    departments=LISTINGS,
    priorities=LISTINGS,
    fields=UNIQUE_FIELDS,
    known=st.booleans(),
    summary=st.none()
    | st.builds(ThreadSummary, messages=st.integers(1, 999), from_here=st.integers(1, 999), cannot_read=WILD),
    about_thread=st.booleans(),
    loading=st.booleans(),
    words=WILD,
)
@settings(max_examples=80, deadline=None)
def test_the_form_is_valid_whatever_the_desk_offers(
    *, desk, others, departments, priorities, fields, known, summary, about_thread, loading, words
):
    typed = {
        Block.SUBJECT: {"value": words},
        Block.DESCRIPTION: {"value": words},
        Block.REQUESTER: {"selected_user": "U012AB3CD"},
        **{Block.FIELD.of(desk.name, one.key): {"value": words} for one in fields if one.kind is FieldKind.TEXT},
    }
    desks = (Choice(id=desk.name, label=desk.title), *(one for one in others if one.id != desk.name))
    shown = Form(
        desk=desk,
        desks=desks,
        metadata="m" * 3000,
        typed=typed,
        departments=departments,
        priorities=priorities,
        fields=Listing(fields, known),
        about_thread=about_thread,
        summary=summary,
        loading=loading,
        notice=words,
    )

    view = checked_view(form(shown))

    ids = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    assert len(ids) == len(set(ids))
    assert {Block.SUBJECT, Block.DESCRIPTION, Block.REQUESTER} <= set(ids)


def test_many_long_lists_still_make_a_form_that_slack_takes():
    choices = tuple(Choice(id=f"{one:0150}", label="W" * 75) for one in range(100))
    fields = [Field(key=f"k{one}", label="L", kind=FieldKind.CHOICE, choices=choices) for one in range(80)]
    desk = ViewedDesk("local")
    shown = Form(desk=desk, desks=(), metadata="m", fields=Listing(tuple(fields)), departments=Listing(choices))

    kinds = [block["element"]["type"] for block in checked_view(form(shown))["blocks"] if "element" in block]

    assert {"static_select", "external_select"} <= set(kinds)


@given(text=WILD, parked=WILD, asks=st.booleans(), url=WILD)
@settings(max_examples=60, deadline=None)
def test_notices_are_valid_and_say_the_same_as_text(text, parked, asks, url):
    checked_message(notice(text, parked=parked, asks=asks, url=url, typed=text))


@given(text=WILD, desk=DESKS)
@settings(max_examples=40, deadline=None)
def test_the_other_views_are_valid(text, desk):
    desks = [Choice(id=desk.name, label=desk.title), Choice(id="other", label=text)]
    checked_view(joining(desk, desks, "m", {Block.NUMBER: {"value": text}}))
    checked_view(note_modal(text, "m"))
    checked_view(notice_modal("New ticket", text, url=text, typed=text))
    checked_view(being_made(text))
    checked_view(already_linked(linked(subject=text, url=text), text))
    checked_message(help_text(understood(text)))
    checked_view(reply_modal(text, "m"))
    checked_view(reply_modal(text, "m", readers=[text, "Gil, a guest"]))
    checked_view(assign_modal(text, "local", text, "m"))
    checked_view(edit_modal("m", text=text, subject=text))
    checked_view(edit_modal("m", text=text, subject=None))
    checked_view(reread_modal("m"))


ROWS = st.builds(
    Row,
    number=WILD,
    subject=WILD,
    facts=WILD,
    url=WILD | st.just("https://desk.example/1"),
    thread_url=WILD | st.just("https://acme.example/archives/C1/p1"),
    link_here=st.just("") | st.just("T1:C1:1.2|local:7"),
)
FAILED = st.builds(
    Failed,
    named=st.sampled_from(["T1:C1:1.2|msg:1", "T1:C1:1.2|" + "x" * 3000]),
    desk=WILD,
    what=WILD,
    why=WILD,
    asks=st.booleans(),
    editable=st.booleans(),
)


@given(
    st.builds(
        Listed,
        heading=WILD,
        rows=st.lists(ROWS, max_size=50),
        page=st.integers(-1, 99),
        again=st.just({}) | st.just({"words": "\u202e" * 200, "thread": "T1:C1:1.2"}),
        notes=st.lists(WILD, max_size=2),
    )
)
@settings(max_examples=60, deadline=None)
def test_a_list_of_tickets_is_taken_by_slack_whatever_is_in_it(listed):
    checked_message(results(listed))


@given(
    st.builds(
        Home,
        failed=st.lists(FAILED, max_size=50),
        waiting=st.lists(st.tuples(WILD, ROWS), max_size=50),
        open=st.lists(st.tuples(WILD, ROWS), max_size=50),
        page=st.integers(-1, 99),
        said=WILD,
        notes=st.lists(WILD, max_size=2),
    )
)
@settings(max_examples=60, deadline=None)
def test_the_home_is_taken_by_slack_whatever_is_in_it(shown):
    checked_view(home(shown), is_home=True)


def test_the_fullest_page_of_the_home_stays_below_slacks_hundred_blocks():
    rows = [
        (f"Desk {number}", Row(number="7", subject="s", facts="f", url="https://x.example")) for number in range(50)
    ]
    failed = [Failed(named="T1:C1:1.2|a", desk=f"Desk {number}", what="w", why="y") for number in range(50)]

    pages = [home(Home(failed=failed, waiting=rows, open=rows, page=page, notes=["n"])) for page in range(9)]

    assert max(len(page["blocks"]) for page in pages) <= 100
    assert 150 == sum(
        block.get("block_id", "").startswith(("row:", "failed:")) for page in pages for block in page["blocks"]
    )


def test_every_ticket_of_a_list_is_on_exactly_one_page():
    rows = [Row(number=str(number), subject="s", facts="f") for number in range(12)]

    pages = [results(Listed(heading="Tickets", rows=rows, page=page))[1] for page in range(3)]

    assert [str(number) for number in range(12)] == [
        line.removeprefix("Ticket ").removesuffix(": s")
        for page in pages
        for line in page.splitlines()
        if line.startswith("Ticket ")
    ]


def buttons(said):
    return [element["action_id"] for block in said[0] if block["type"] == "actions" for element in block["elements"]]


@pytest.mark.parametrize(
    ("status", "capabilities", "expected"),
    [
        (Status.OPEN, set(Capability), [Action.OPEN, Action.REPLY, Action.NOTE, Action.ASSIGN, Action.CLOSE]),
        (Status.CLOSED, set(Capability), [Action.OPEN, Action.REPLY, Action.NOTE, Action.ASSIGN, Action.REOPEN]),
        (Status.GONE, set(Capability), [Action.OPEN]),
        (Status.OPEN, {Capability.REPLY, Capability.ASSIGN}, [Action.OPEN, Action.REPLY]),
    ],
)
def test_a_card_offers_only_what_the_desk_can_do_with_such_a_ticket(status, capabilities, expected):
    ticket = Ticket(ref=TicketRef(id="7", number="1042"), subject="Fire", status=status, status_name="")
    desk = ViewedDesk("local", capabilities=capabilities)

    shown = card(Card(link=linked(url="https://desk.example/7"), desk=desk, ticket=ticket))

    assert expected == buttons(shown)


def test_closing_asks_first_and_says_what_cannot_be_undone():
    desk = ViewedDesk("local", title="WHMCS", capabilities={Capability.CLOSE})

    blocks, _ = card(Card(link=linked(), desk=desk))

    question = blocks[-1]["elements"][-1]["confirm"]["text"]["text"]
    assert "The ticket will be closed at WHMCS. It cannot be opened again from here." == question


def test_a_card_in_words():
    ticket = Ticket(
        ref=TicketRef(id="7", number="1042"),
        subject="Fire <here>",
        status=Status.PENDING,
        status_name="Customer-Reply",
        requester=Person(name="Ada & Ben"),
        url="https://desk.example/7",
    )
    desk = ViewedDesk("local", title="WHMCS", capabilities={Capability.NOTE})

    _, text = card(Card(link=linked(), desk=desk, ticket=ticket, left_out=("plan.exe: this type is not taken",)))

    assert (
        "Ticket 1042: Fire &lt;here&gt;\n"
        "Status: Waiting for the requester (Customer-Reply)\nDesk: WHMCS\nOwner: nobody yet\nRequester: Ada &amp; Ben\n"
        "This could not go to the ticket:\n- plan.exe: this type is not taken\n"
        "[Open] https://desk.example/7, [Add note]"
    ) == text


def test_a_card_shows_the_newest_of_what_was_left_out_and_how_much_more_there_is():
    link = linked(left_out_before=80)

    _, text = card(Card(link=link, desk=ViewedDesk("local"), left_out=tuple(f"file {number}" for number in range(20))))

    shown = [line for line in text.splitlines() if line.startswith("- ")]
    assert [*(f"- file {number}" for number in range(19, 9, -1)), "- and 90 more"] == shown


@pytest.mark.parametrize(
    ("words", "size", "end"),
    [(200, 300, f"w… https://{'a' * 300}"), (2, 500, f": https://{'a' * 500}"), (2, 600, ": …"), (200, 600, "w… …")],
)
def test_a_long_line_of_what_was_left_out_is_cut_before_its_address(words, size, end):
    told = f"{'w' * words * 5} here: https://{'a' * size}"

    _, text = card(Card(link=linked(), desk=ViewedDesk("local"), left_out=(told,)))

    (line,) = [line for line in text.splitlines() if line.startswith("- ")]
    assert (True, True) == (len(line) <= 602, line.endswith(end))


@pytest.mark.parametrize(
    ("size", "words"),
    [(1, "1 byte"), (999, "999 bytes"), (340_000, "340 KB"), (1_500_000, "1.5 MB"), (2_000_000_000, "2 GB")],
)
def test_sizes_are_said_as_people_say_them(size, words):
    assert words == size_words(size)


def test_a_thread_in_words():
    assert "12 messages by 4 people, 2 files (340 KB)" == summary_words(
        ThreadSummary(messages=12, people=4, files=2, size=340_000)
    )
    assert "1 message by 1 person" == summary_words(ThreadSummary())
