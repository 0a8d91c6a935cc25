"""S21: the operator's door tells health and figures, on loopback unless told otherwise, and never a text or an id."""

import asyncio
import json
import logging
import re
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bot.commands.demo import company
from bot.conversion.intake import Intake
from bot.conversion.ports import NewOp, StoreAway
from bot.conversion.records import OpenTicket
from bot.doors import metrics
from bot.doors.metrics import BACKLOG, LOGGED, METRICS, WORK, Figures, LoggedLines, rendered
from bot.doors.operator import Readiness, operator_app
from bot.sandbox.demo import world
from bot.settings import SettingsError, parse
from bot.store.keys import breaker
from bot.wiring import _figures, run
from tests.doors.conftest import THREAD

ROOT = Path(__file__).parents[2]
LINE = re.compile(r'[a-z_]+(?:\{(?:[a-z]+="[^"]*",?)+\})? [0-9.e+-]+')


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def bot(folder, *, delivery="socket", listen="", **tables):
    """The bot between a pretend Slack and a local desk; gives its world."""
    async with world("local", folder, workspace=company(), delivery=delivery, listen=listen) as around:
        settings = parse(around.settings | tables, around.environment)
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(run(settings, stop=stop, ready=lambda _: ready.set()))
        try:
            await asyncio.wait({task, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
            yield around
        finally:
            stop.set()
            await task


def somebody(around):
    """A person of the company, and a channel."""
    return next(iter(around.workspace.people)), next(iter(around.workspace.channels))


async def test_a_running_bot_tells_that_it_lives_that_it_is_ready_and_its_figures(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    async with bot(tmp_path, operator={"listen": address}), httpx.AsyncClient(base_url=f"http://{address}") as client:
        answers = {path: await client.get(path) for path in ("/healthz", "/readyz", "/metrics", "/else")}
        refused = await client.post("/metrics")

    assert [200, 200, 200, 404] == [answer.status_code for answer in answers.values()]
    assert "Threadline is ready.\n" == answers["/readyz"].text
    assert 405 == refused.status_code
    lines = [line for line in answers["/metrics"].text.splitlines() if not line.startswith("#")]
    assert [] == [line for line in lines if not LINE.fullmatch(line)]
    assert 'threadline_slack_calls_total{method="auth.test",outcome="ok"} 1' in lines
    assert {"threadline_store_up 1", "threadline_parked 0", "threadline_slack_connected 1"} <= set(lines)


async def test_in_http_mode_a_wrong_signing_secret_shows_in_the_figures(tmp_path):
    listen, slacks = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    async with (
        bot(tmp_path, delivery="http", listen=slacks, operator={"listen": listen}),
        httpx.AsyncClient() as client,
    ):
        answer = await client.post(f"http://{slacks}/slack/events", json={}, headers={"x-slack-signature": "v0=0"})
        text = (await client.get(f"http://{listen}/metrics")).text

    assert (401, True) == (answer.status_code, 'threadline_events_total{outcome="refused"} 1\n' in text)


async def test_a_second_process_on_the_machine_works_without_the_door_and_says_so(tmp_path, caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with bot(tmp_path, operator={"listen": f"127.0.0.1:{taken.getsockname()[1]}"}) as around:
            answer = await around.workspace.command(*somebody(around), "/ticket", "help")

    assert "" == answer.error
    assert "no health and metrics: the address in [operator] listen cannot be had" in caplog.messages


@pytest.mark.parametrize("delivery", ["socket", "http"])
async def test_webhooks_have_their_door_in_both_modes(tmp_path, delivery):
    address = f"127.0.0.1:{free_port()}"
    tables = {"hooks": {"listen": address}} if delivery == "socket" else {}
    async with bot(tmp_path, delivery=delivery, listen=address, **tables), httpx.AsyncClient() as client:
        answer = await client.post(f"http://{address}/hooks/demo", content=b"{}")

    assert (404, "No helpdesk is expected to call here.\n") == (answer.status_code, answer.text)


def test_s21_the_door_is_on_loopback_unless_told_otherwise():
    settings = parse({"desks": {"x": {"kind": "local", "path": "x"}}}, {})

    assert ("127.0.0.1:9464", "") == (settings.operator.listen, settings.hooks.listen)


@pytest.mark.parametrize("table", ["operator", "hooks"])
def test_an_address_that_is_none_is_refused_with_its_place(table):
    with pytest.raises(SettingsError, match=rf"\[{table}\] listen: must be an address and a port"):
        parse({table: {"listen": "everywhere"}, "desks": {"x": {"kind": "local", "path": "x"}}}, {})


async def test_without_its_store_or_slack_a_process_is_not_ready_and_says_what_to_do():
    async def away():
        raise StoreAway("Redis has no memory left. Give it more.")

    state = Readiness(away, trouble=StoreAway, front=True)
    found = await state.troubles()

    assert 2 == len(found)
    assert "Redis has no memory left. Give it more." == found[0]
    assert found[1].startswith("There is no connection to Slack")


async def test_a_worker_needs_no_slack_connection():
    async def well():
        return True

    assert [] == await Readiness(well, trouble=StoreAway, front=False).troubles()


async def test_metrics_without_a_store_say_so_and_keep_the_counters():
    async def away():
        raise StoreAway

    counters = {WORK: {("helpdesk", "add_message", "done"): 3}}
    figures = Figures(counters=counters, backlog=away, away=away, store=away, trouble=(StoreAway,))
    app = operator_app(lambda: asyncio.sleep(0, []), figures)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t") as client:
        text = (await client.get("/metrics")).text

    assert "threadline_store_up 0\n" in text
    assert 'threadline_desk_work_total{desk="helpdesk",work="add_message",outcome="done"} 3\n' in text


@pytest.mark.parametrize(("connection", "lines"), [(None, []), (True, ["1"]), (False, ["0"])])
async def test_a_front_tells_in_its_figures_whether_slack_is_connected(connection, lines):
    async def nothing():
        return {}

    figures = Figures(counters={}, backlog=nothing, away=nothing, store=nothing)
    if connection is not None:
        figures = replace(figures, slack=lambda: asyncio.sleep(0, connection))

    page = await figures.page()

    assert lines == [line.split()[1] for line in page.splitlines() if line.startswith("threadline_slack_connected ")]


async def test_metrics_of_a_store_that_hangs_say_so_in_time(monkeypatch):
    monkeypatch.setattr(metrics, "PATIENCE", 0.05)

    async def hangs():
        await asyncio.sleep(60)

    figures = Figures(counters={}, backlog=hangs, away=hangs, store=hangs)
    async with asyncio.timeout(5):
        assert "threadline_store_up 0\n" in await figures.page()


async def test_a_store_that_takes_nothing_more_is_not_well_though_it_answers(tmp_path):
    """A full one, or one that became a replica in a failover."""
    listen = f"127.0.0.1:{free_port()}"
    async with bot(tmp_path, operator={"listen": listen}), httpx.AsyncClient(base_url=f"http://{listen}") as client:
        well = [(await client.get("/readyz")).status_code for _ in range(2)]
        async with Redis(unix_socket_path=str(next(tmp_path.glob("**/s.sock")))) as redis:
            await redis.config_set("maxmemory", "1mb")
            ready, figures = await client.get("/readyz"), await client.get("/metrics")
            await redis.config_set("maxmemory", "0")

    assert [200, 200] == well
    assert (503, "Redis has no memory left (OutOfMemoryError). Give it more.\n") == (ready.status_code, ready.text)
    assert {"threadline_store_up 0", "threadline_parked 0"} <= set(figures.text.splitlines())


async def test_a_desk_that_does_not_answer_is_away_until_it_does_also_while_it_is_tried_again(store):
    """Else a scrape between two tries would begin the quarter of an hour of the alarm anew, each time."""
    rooms: Any = SimpleNamespace(desks=SimpleNamespace(names=lambda: ("billing", "other")))
    figures, seen = _figures(rooms, store, {}), []
    await store.breakers.failed("billing", None)
    seen.append(await figures.away())
    await store.connection.do("DEL", breaker("billing")[0])  # the time to leave it alone is over
    seen.append(await figures.away())
    await store.breakers.succeeded("billing")
    seen.append(await figures.away())

    assert [1, 1, 0] == [found["billing"] for found in seen]
    assert [0, 0, 0] == [found["other"] for found in seen]


async def test_what_waits_is_counted_and_its_age_is_that_of_the_oldest_message(store):
    opened = OpenTicket(actor="U1", channel="C1", thread_ts=THREAD.ts, desk="billing", subject="s")
    await Intake(store.lanes, store.links).open_ticket("T1", opened, once="")
    before = await store.lanes.backlog()
    await store.lanes.add([NewOp(lane=str(THREAD), id="msg:1", order=1_700_000_000_000_000, payload="{}")])
    found = await store.lanes.backlog()

    assert set(BACKLOG) == set(found)
    assert (1, 1, 0) == (before["waiting"], before["operations"], before["oldest"])
    assert (1, 2) == (found["waiting"], found["operations"])
    assert found["oldest"] > 1_000_000


def test_a_figure_keeps_all_its_digits():
    text = rendered({WORK: {("d", "w", "o"): 1_000_004, ("d", "w", "p"): 12.345_678}})

    assert ["1000004", "12.345678"] == [line.rpartition(" ")[2] for line in text.splitlines()[2:]]


def test_a_label_cannot_break_a_line():
    text = rendered({WORK: {('a"b\\c\nd', "w", "o"): 1}})

    assert r'{desk="a\"b\\c\nd",work="w",outcome="o"} 1' in text
    assert 3 == len(text.splitlines())


def test_lines_that_warn_or_tell_of_a_failure_are_counted_by_level_from_the_start():
    """A counter that is not there before its first line has no rate when that comes."""
    with LoggedLines() as logged:
        before = dict(logged.counts)
        logging.getLogger("threadline.worker").error("a lane broke off")
        logging.getLogger("asyncio").critical("a task ended")
        logging.getLogger("threadline").warning("slow")
        logging.getLogger("threadline").info("delivered")
    logging.getLogger("threadline").error("after it")

    assert ({"warning": 0, "error": 0}, {"warning": 1, "error": 2}) == (before, dict(logged.counts))
    assert 'threadline_log_lines_total{level="error"} 2' in rendered({LOGGED: logged.counts})


BOARD = json.loads((ROOT / "docs" / "grafana.json").read_text())
TARGETS = [(panel["title"], target) for panel in BOARD["panels"] for target in panel["targets"]]
KNOWN = {metric.name: metric for metric in METRICS}


def test_the_dashboard_shows_every_metric_and_no_other():
    asked = set(re.findall(r"threadline_\w+", " ".join(target["expr"] for _, target in TARGETS)))

    assert set(KNOWN) == asked


def test_the_dashboard_is_as_grafana_wants_it():
    panels, variables = BOARD["panels"], {one["name"]: one["type"] for one in BOARD["templating"]["list"]}
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert {"title", "uid", "schemaVersion", "version", "time", "panels", "templating"} <= set(BOARD)
    assert {"from", "to"} == set(BOARD["time"])
    assert len(panels) == len({panel["id"] for panel in panels})
    assert {("prometheus", "${source}")} == {tuple(panel["datasource"].values()) for panel in panels}
    assert "datasource" == variables["source"]
    assert len(cells) == len(set(cells)), "panels lie one upon the other"
    assert max(x for x, _ in cells) < 24, "Grafana's grid has 24 columns"
    assert [] == [
        panel["title"]
        for panel in panels
        if len({target["refId"] for target in panel["targets"]}) < len(panel["targets"])
    ]


@pytest.mark.parametrize(("title", "target"), TARGETS)
def test_each_query_of_the_dashboard_asks_for_labels_that_its_metric_has(title, target):
    query = target["expr"]
    (name,) = set(re.findall(r"threadline_\w+", query))
    inside = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query)
    shown = [label.strip() for labels in re.findall(r"by \(([^)]*)\)", query) for label in labels.split(",")]
    written = re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", ""))
    of_scrapes = {"instance", "job"}

    assert set() == {*inside, *shown} - set(KNOWN[name].labels)
    assert set() == set(written) - (set(shown) or {*KNOWN[name].labels, *of_scrapes})
    assert ("rate(" in query) is (KNOWN[name].kind == "counter"), "a counter is shown by its rate, a gauge as it is"
    assert query.count("(") == query.count(")")


def test_every_metric_is_explained_to_operators():
    page = (ROOT / "docs" / "operating.md").read_text()

    assert [] == [metric.name for metric in METRICS if f"`{metric.name}`" not in page]


async def test_an_event_that_no_worker_has_looked_at_waits_too_and_a_repeated_look_does_not(store):
    """Else nothing would seem to wait where no worker runs."""
    event = NewOp(lane=f"in/{THREAD}", id="in:msg:1", order=1_700_000_000_000_000, payload="{}")
    look = NewOp(lane=f"pull/{THREAD}", id="repeat", order=1_600_000_000_000_000, payload="{}")
    await store.lanes.add([look])
    before = await store.lanes.backlog()

    await store.lanes.add([event, NewOp(lane=str(THREAD), id="msg:0", order=event.order + 1, payload="{}")])
    found = await store.lanes.backlog()

    assert (0, 0) == (before["waiting"], before["oldest"])
    assert 1 == found["waiting"]
    assert 1_000_000 < found["oldest"] < time.time() - 1_600_000_000
