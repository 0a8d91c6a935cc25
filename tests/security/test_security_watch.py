"""S16: the watch over the whole suite (`tests/canaries.py`) finds what it is for."""

import logging
import sys

import pytest
from pydantic import SecretStr

from adapters.errors import Rejected
from adapters.model import Body
from bot.conversion.ports import NewOp
from bot.doors.metrics import WORK, Figures
from bot.slack.web import Web
from bot.store.store import Store
from tests.canaries import Watch
from tests.store.conftest import embedded, store

__all__ = ["embedded", "store"]

SECRET, TEXT = "canary-secret-3f", "canary text about a printer"


@pytest.fixture
def leaks(canaries):
    """What was found so far; it is forgotten, so that the test itself does not fail by it."""

    def found():
        places = canaries.found()
        canaries.__init__()
        return places

    SecretStr(SECRET)
    Body(plain=TEXT + "\nand more")
    return found


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_a_canary_in_the_log_is_found_at_each_level(leaks, level):
    getattr(logging.getLogger("bot.somewhere"), level)("it is %s", TEXT, extra={"key": SECRET})

    assert [f"log: {TEXT}", f"log: {SECRET}"] == leaks()


def test_what_the_products_filter_takes_out_is_not_in_the_log(leaks):
    logging.getLogger("bot.somewhere").warning("password=%s", SECRET)

    assert [] == leaks()


def test_a_canary_that_is_printed_is_found(leaks, capsys):
    sys.stdout.write(f"{SECRET} {TEXT}")
    sys.stderr.write(TEXT)
    capsys.readouterr()

    assert [f"stderr: {TEXT}", f"stdout: {SECRET}"] == leaks()  # some commands are there to print texts


def test_a_canary_in_an_error_is_found(leaks):
    Rejected("billing", f"the desk does not take {TEXT}.")

    assert [f"error: {TEXT}"] == leaks()


async def test_a_canary_in_the_metrics_is_found(leaks):
    async def nothing():
        return {}

    await Figures(counters={WORK: {("billing", TEXT, "done"): 1}}, backlog=nothing, away=nothing, store=nothing).page()

    assert [f"metrics: {TEXT}"] == leaks()


async def test_a_secret_that_is_sent_to_slack_is_found(leaks, monkeypatch):
    async def post(*_):
        return 200, {}, b'{"ok": true}'

    monkeypatch.setattr(Web, "_post", post)
    await Web("xoxb-another-canary").call("chat.postMessage", channel="C1", text=f"{SECRET} {TEXT}")

    assert [f"Slack: {SECRET}"] == leaks()


async def test_canaries_in_redis_are_found_where_the_documents_do_not_name_them(leaks, embedded, store):
    async with Store.open(embedded.url) as another:
        await another.lanes.add([NewOp(lane="T1:C1:1.1", id="msg:1", order=1, payload=TEXT)])
        for key in ("tk:value:session", "tk:limit:somebody", "tk:scratch:form:1"):
            await another.connection.do("SET", key, f"{SECRET} {TEXT}")

    wrong = [f"tk:limit:somebody: {TEXT}", f"tk:limit:somebody: {SECRET}", f"tk:scratch:form:1: {SECRET}"]
    assert [*wrong, f"tk:value:session: {TEXT}"] == leaks()


def test_what_is_too_short_to_be_told_from_other_words_is_left():
    watch = Watch()
    watch.secret("secret")
    watch.text("hello")
    watch.see("log", "secret hello")

    assert [] == watch.found()
