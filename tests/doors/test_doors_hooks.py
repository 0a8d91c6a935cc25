"""S15: a helpdesk's webhook is believed only as signed, and only means: look at these tickets now."""

from typing import Any, cast

import httpx
import pytest

from bot.conversion.ports import Outcome, StoreAway
from bot.conversion.records import PullTicket, decode
from bot.doors.hooks import BODY, Hooks, beside
from bot.serving import serving
from tests.doors.conftest import THREAD, call

JSON = {"content-type": "application/json"}


async def post(app, path, body=b"", headers=None, *, method="POST"):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t") as client:
        return await client.request(method, path, content=body, headers=headers)


async def looked_at(store):
    """The threads whose tickets are to be looked at."""
    found = []
    for lease in await store.lanes.claim(100):
        head = await store.lanes.head(lease)
        while head:
            work = decode(head.payload).work
            assert isinstance(work, PullTicket)
            found.append(work.thread)
            head = await store.lanes.done(lease, head.id, Outcome())
    return found


async def test_a_signed_call_has_the_tickets_threads_looked_at_and_is_answered_when_that_is_stored(hooks, store, link):
    answer = await post(hooks, "/hooks/billing", *call(["7", "404"]))

    assert (200, [THREAD]) == (answer.status_code, await looked_at(store))


async def test_a_call_that_comes_again_is_one_wish(hooks, store, link):
    for _ in range(3):
        await post(hooks, "/hooks/billing", *call())

    assert [THREAD] == await looked_at(store)


@pytest.mark.parametrize(
    "attempt",
    [
        ("/hooks/billing", (b"{}", {}), 401),
        ("/hooks/billing", call(secret="another"), 401),
        ("/hooks/billing", (call()[0] + b" ", call()[1]), 401),
        ("/hooks/billing", call(raw=b"{"), 400),
        ("/hooks/billing", call(raw=b'{"tickets": [Infinity]}'), 400),
        ("/hooks/billing", call(raw=b'{"tickets":' + b"[" * 100_000), 400),
        ("/hooks/silent", call(), 404),
        ("/hooks/nobody", call(), 404),
        ("/hooks/", call(), 404),
        ("/hooks/billing", call(raw=b"x" * (BODY + 1)), 413),
    ],
)
async def test_s15_what_cannot_be_believed_is_refused_with_words_and_stores_nothing(hooks, store, link, attempt):
    path, made, status = attempt
    answer = await post(hooks, path, *made)

    assert status == answer.status_code
    assert answer.text.strip().endswith(".")
    assert [] == await looked_at(store)


async def test_a_signature_that_is_there_twice_counts_as_none(hooks, link):
    body, headers = call()
    twice = [*headers.items(), *headers.items()]

    assert 401 == (await post(hooks, "/hooks/billing", body, twice)).status_code


async def test_reading_the_door_is_refused(hooks):
    assert 405 == (await post(hooks, "/hooks/billing", method="GET")).status_code


async def test_while_the_store_is_away_the_desk_is_asked_to_call_again(desks, store, link):
    class Away:
        async def add(self, ops):
            raise StoreAway

    answer = await post(Hooks(desks, store.links, cast("Any", Away())), "/hooks/billing", *call())

    assert 503 == answer.status_code


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("made", [call(), call(raw=b"x" * (BODY + 1))], ids=["small", "too large"])
async def test_a_desk_without_a_secret_and_no_desk_look_the_same(hooks, method, made):
    silent, nobody = [await post(hooks, f"/hooks/{name}", *made, method=method) for name in ("silent", "nobody")]

    assert (404, silent.status_code, silent.text) == (nobody.status_code, nobody.status_code, nobody.text)


async def test_the_log_says_once_what_is_wrong_with_a_desks_calls_however_often_it_is_called(hooks, caplog):
    for _ in range(20):
        await post(hooks, "/hooks/silent", *call())
        await post(hooks, "/hooks/billing", *call(raw=b"{"))

    assert ["silent", "billing"] == [record.desk for record in caplog.records]


async def test_beside_another_door_each_gets_its_own_paths(hooks, link):
    async def other(scope, receive, send):
        await send({"type": "http.response.start", "status": 418, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(beside(other, hooks)) as address, httpx.AsyncClient(base_url=address) as client:
        body, headers = call()
        answers = [await client.post(path, content=body, headers=headers) for path in ("/slack", "/hooks/billing")]

    assert [418, 200] == [answer.status_code for answer in answers]


async def test_answers_are_counted_without_telling_strangers_names_apart(hooks, link):
    for path in ("/hooks/billing", "/hooks/made-up", "/hooks/other"):
        await post(hooks, path, *call())

    assert {("billing", "200"): 1, ("none", "404"): 2} == dict(hooks.answers)
