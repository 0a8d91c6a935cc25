"""What a person said goes straight to its thread's lane, unless that needs a look at the thread first."""

import pytest

from bot.conversion.ops import event_op
from bot.conversion.ports import Added, Outcome
from bot.conversion.records import AddMessage, LinkRef, Switch, decode
from bot.store.cipher import Cipher
from bot.store.store import Store
from tests.store.conftest import LEASE, T

EVENTS = f"in/{T}"


def said(text="Still burning", *, ts="1700000001.000100", **more):
    """A plain reply in the thread, as Slack hands it over."""
    event = {"type": "message", "channel": "C1", "user": "U1", "text": text, "ts": ts, "event_ts": ts}
    return event_op({"team_id": "T1", "event_id": "Ev1", "event": event | {"thread_ts": T.rpartition(":")[2]} | more})


async def waiting(store):
    """How much waits in the thread's lane, and how much among its events."""
    return await store.lanes.waiting(T), await store.lanes.waiting(EVENTS)


async def meant(store):
    """For which tickets the messages are that wait."""
    works = [decode(payload).work async for _, _, payload in store.lanes.everything()]
    return [work.under for work in works if isinstance(work, AddMessage)]


async def finished(store, claim):
    """The first lane that is due, with its operation done."""
    lease = await claim()
    head = await store.lanes.head(lease)
    assert await store.lanes.done(lease, head.id, Outcome()) is None
    return lease.lane


async def test_in_a_thread_of_which_everything_goes_to_its_ticket_it_does_not_pass_through_the_events(store, link):
    await store.links.put(link())

    assert [Added.ADDED] == await store.lanes.add([said()])
    assert (1, 0) == await waiting(store)
    assert [LinkRef.of(link())] == await meant(store)


async def test_in_a_thread_without_a_ticket_it_is_dropped(store):
    assert [Added.NOT_LINKED] == await store.lanes.add([said()])
    assert (0, 0) == await waiting(store)


async def test_behind_a_wish_that_waits_among_the_events_or_is_worked_on_it_waits_there_too(store, op, link, claim):
    await store.links.put(link())
    await store.lanes.add([op("in:mention", lane=EVENTS)])

    assert [Added.ADDED] == await store.lanes.add([said()])
    lease = await claim()
    head = await store.lanes.head(lease)
    assert [Added.ADDED] == await store.lanes.add([said(ts="1700000002.000100")])
    assert (EVENTS, 0, 3) == (lease.lane, *await waiting(store))

    while head is not None:
        head = await store.lanes.done(lease, head.id, Outcome())
    assert [Added.ADDED] == await store.lanes.add([said(ts="1700000003.000100")])
    assert (1, 0) == await waiting(store)


@pytest.mark.parametrize(
    "more", [{"mirror": False}, {"switches": (Switch(since="1.1", mirror="marked"),)}], ids=["nothing", "switched"]
)
async def test_where_not_everything_goes_it_is_looked_at_among_the_events(store, link, more):
    await store.links.put(link(**more))

    await store.lanes.add([said()])

    assert (0, 1) == await waiting(store)


@pytest.mark.parametrize(
    "text", ['"switches":[]', '{"mirror":false}', '"desk":"other","ticket_id":"8"', '"created_at":"x"']
)
async def test_a_subject_that_looks_like_something_else_of_the_link_is_none(store, link, text):
    there = link(subject=text)
    await store.links.put(there)

    await store.lanes.add([said()])

    assert [LinkRef.of(there)] == await meant(store)


@pytest.mark.parametrize("name", ["L-1", "Zoë 7 🎫", "%1 %s (.*) [a]", "", "}}"])
async def test_it_says_for_which_ticket_it_is_however_that_is_named(store, link, name):
    there = link(ticket=name)
    await store.links.put(there)

    await store.lanes.add([said()])

    assert [LinkRef.of(there)] == await meant(store)


@pytest.mark.parametrize("name", ["\\", '"', "\n", "a\x00b"])
async def test_where_a_tickets_name_cannot_be_taken_over_as_it_stands_it_is_looked_at_among_the_events(
    store, link, name
):
    await store.links.put(link(ticket=name))

    await store.lanes.add([said()])

    assert (0, 1) == await waiting(store)


async def test_while_the_ticket_is_being_made_it_is_looked_at_among_the_events(store, op):
    """Settings may have the new thread begin with less than everything."""
    await store.lanes.add([op("create", 0, makes_link=True)])

    await store.lanes.add([said()])

    assert (1, 1) == await waiting(store)


async def test_in_a_thread_that_has_another_ticket_than_before_it_is_for_that(store, link):
    await store.links.put(link())
    await store.links.remove(link())
    await store.links.put(link(ticket="8"))

    await store.lanes.add([said()])

    assert [LinkRef.of(link(ticket="8"))] == await meant(store)


async def test_with_a_key_it_is_looked_at_among_the_events_for_no_script_can_read_a_link(embedded, store, link):
    async with Store.open(embedded.url, lease=LEASE, cipher=Cipher([bytes(32)])) as closing:
        await closing.links.put(link())
        await closing.lanes.add([said()])
        assert (0, 1) == await waiting(closing)

    await store.lanes.add([said(ts="1700000002.000100")])  # a process without the key, or whose key is another
    assert (0, 2) == await waiting(store)


async def test_what_was_done_by_the_one_way_is_not_taken_again_by_the_other(store, op, link, claim):
    await store.links.put(link())
    await store.lanes.add([said()])
    assert T == await finished(store, claim)
    assert [Added.DUPLICATE] == await store.lanes.add([said()])

    await store.lanes.add([op("in:mention", lane=EVENTS)])
    assert [Added.DUPLICATE] == await store.lanes.add([said()])


async def test_of_many_each_gets_its_own_answer_whichever_way_it_went(store, op, link):
    other = "T1:C1:1700000900.000100"
    await store.links.put(link())
    await store.links.put(link(other))
    await store.lanes.add([op("in:mention", lane=f"in/{other}")])
    there = said(ts="1700000901.000100", thread_ts="1700000900.000100")
    nowhere = said(ts="1700000801.000100", thread_ts="1700000800.000100")

    every = [there, said(), nowhere, said(), there]
    added = [Added.ADDED, Added.ADDED, Added.NOT_LINKED, Added.DUPLICATE, Added.DUPLICATE]
    assert added == await store.lanes.add(every)
    assert (1, 0, 2) == (*await waiting(store), await store.lanes.waiting(f"in/{other}"))


@pytest.mark.parametrize(
    "more",
    [
        {"text": "<@U0BOT> close"},
        {"text": "ask <@U2>"},
        {"text": None},
        {"user": ""},
        {"user": None},
        {"user": "U0BOT"},
        {"subtype": "thread_broadcast"},
        {"bot_id": "B1"},
        {"files": []},
        {"app_id": "A1"},
        {"metadata": {"event_type": "threadline"}},
        {"ts": 17},
        {"parent_user_id": "U0BOT", "thread_ts": "1700000001.000000"},
    ],
    ids="-".join,
)
def test_what_is_more_than_a_persons_words_is_looked_at_among_the_events(more):
    event = {"type": "message", "channel": "C1", "user": "U1", "text": "x", "ts": "1700000001.000100"} | more
    body = {"team_id": "T1", "authorizations": [{"is_bot": True, "user_id": "U0BOT"}], "event": event}

    op = event_op(body)

    assert op is not None
    assert (True, None) == (op.lane.startswith("in/"), op.behind)
