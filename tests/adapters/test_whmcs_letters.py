"""What MySQL's utf8 keeps of emoji and other letters of four bytes: nothing, so they go by their names."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from adapters.contract import with_marker
from adapters.model import Act, Body, Change, Person, TicketRef
from adapters.whmcs import WhmcsDesk
from adapters.whmcs_family.desk import message_of
from adapters.whmcs_family.letters import FOUR_BYTES, spelled
from bot.sandbox.desks.keliweb import KeliwebStandIn
from bot.sandbox.desks.whmcs import WhmcsStandIn
from tests.adapters.conformance_wire import entered
from tests.adapters.drafts import ADA, Pair, body_of, file_at

ROCKET = Person(name="\N{ROCKET}", email="rocket@example.com")
SUBJECT = "\N{FIRE} Printer on fire"


@pytest.fixture(params=[WhmcsStandIn, KeliwebStandIn])
async def pair(request: pytest.FixtureRequest):
    stand_in: Any = request.param()
    stand_in.state.four_bytes = False
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        yield Pair(desk, stand_in, department="1")
    assert [] == stand_in.violations


async def test_nothing_behind_an_emoji_is_cut_off_and_the_message_is_still_told_to_be_ours(pair: Pair):
    ticket = await pair.open(subject=SUBJECT, text="It burns \N{FIRE}\N{FIRE} since ten.")
    await pair.add(ticket, pair.message("Help \N{FACE WITH TEARS OF JOY} please", marker="TL-LATER0000001"))

    seen = await pair.agents.ticket(ticket.id)
    assert ":fire: Printer on fire" == seen.subject
    assert "It burns :fire::fire: since ten." in seen.messages[0].text
    assert "Help :face_with_tears_of_joy: please" in seen.messages[1].text
    assert all("Threadline ref: TL-" in message.text for message in seen.messages)


async def test_a_field_and_the_names_of_files_and_people_are_whole(pair: Pair, tmp_path: Path):
    files = (file_at(tmp_path, "log \N{FIRE}.txt", b"a"), file_at(tmp_path, "b.txt", b"b"))
    draft = await pair.draft(requester=ROCKET, first=pair.message(files=files), fields={"asset_tag": "PC \N{FIRE} 17"})
    ticket = await pair.open(draft)

    seen = await pair.agents.ticket(ticket.id)
    assert ["log :fire:.txt", "b.txt"] == [file.name for file in seen.messages[0].files]
    assert "PC :fire: 17" in dict(seen.fields).values()
    assert ":rocket:" in seen.requester + seen.messages[0].text


@pytest.fixture
async def whmcs():
    stand_in = WhmcsStandIn()
    stand_in.state.four_bytes = False
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        yield Pair(desk, stand_in, department="1")


@pytest.mark.parametrize("subject", [SUBJECT, "\N{FIRE}", "Größe \N{FACE WITH TEARS OF JOY}"])
async def test_a_lost_ticket_with_an_emoji_in_its_subject_is_found_and_not_opened_twice(whmcs: Pair, subject: str):
    draft = await whmcs.draft(subject, "It burns \N{FIRE}")
    opened = await whmcs.desk.open_ticket(draft)

    assert opened == await whmcs.desk.find_ticket(draft.first.marker, draft)


async def test_a_subject_with_an_emoji_is_set_whole_and_found_by_it(whmcs: Pair):
    ticket = await whmcs.open()
    await whmcs.desk.change(ticket, Change(act=Act.SUBJECT, value=SUBJECT))

    assert ":fire: Printer on fire" == (await whmcs.agents.ticket(ticket.id)).subject
    assert [ticket] == [one.ref for one in await whmcs.desk.search(SUBJECT)]


async def test_a_ticket_whose_emoji_its_database_kept_is_found_by_it_though_the_settings_do_not_say_that():
    """As a customer wrote it, or a Threadline before the setting was there."""
    stand_in = WhmcsStandIn()
    async with stand_in.serve() as table, entered({**table, "four_bytes": True}) as before:
        ticket = await Pair(before, stand_in, requester=ADA, department="1").open(subject=SUBJECT)
        async with entered({**table, "four_bytes": False}) as desk:
            for words in (SUBJECT, "\N{FIRE}"):
                assert [ticket] == [one.ref for one in await desk.search(words)]


async def test_a_reply_by_somebody_whose_name_is_an_emoji_is_taken(whmcs: Pair):
    ticket: TicketRef = await whmcs.open()
    await whmcs.desk.add_message(ticket, Pair(whmcs.desk, whmcs.agents, requester=ROCKET).message("On it."))

    assert ":rocket:" == (await whmcs.seen(ticket))[1].author


async def test_where_the_database_keeps_them_emoji_stay_what_they_are():
    stand_in = WhmcsStandIn()
    async with stand_in.serve() as table, entered({**table, "four_bytes": True}) as desk:
        pair = Pair(desk, stand_in, requester=ADA, department="1")
        ticket = await pair.open(subject=SUBJECT, text="It burns \N{FIRE}")

        assert (SUBJECT, True) == (
            (await stand_in.ticket(ticket.id)).subject,
            "\N{FIRE}" in (await pair.seen(ticket))[0].text,
        )


@given(st.text())
def test_whatever_is_spelled_fits_and_what_fits_stays_as_it_is(wild: str):
    assert not FOUR_BYTES.search(spelled(wild))
    assert FOUR_BYTES.search(wild) or wild == spelled(wild)


@pytest.mark.parametrize(
    ("letters", "said"),
    [
        ("\N{MATHEMATICAL BOLD CAPITAL A}", "A"),
        ("\U00020bb7", ":cjk_unified_ideograph-20bb7:"),
        ("\U0010fffd", "U+10FFFD"),
        ("ü ✓ 日本", "ü ✓ 日本"),
    ],
)
def test_what_has_a_plain_form_takes_it_and_what_has_no_name_its_number(letters: str, said: str):
    assert said == spelled(letters)


def test_a_text_of_nothing_but_emoji_fits_as_long_as_promised():
    settings = WhmcsDesk.Settings.model_validate(
        {"kind": "whmcs", "url": "https://w.example", "identifier": "a", "secret": "b"}
    )
    body = with_marker(body_of("\N{FACE WITH TEARS OF JOY}" * 10_000), "TL-ABCDEFGH2345")
    message, _ = message_of(Body(plain=body.plain), settings, desk="acme", system="WHMCS")

    assert "?" * 10_000 + "\n\nThreadline ref: TL-ABCDEFGH2345" == message
