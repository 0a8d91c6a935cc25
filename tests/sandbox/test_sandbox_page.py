"""The page's server without a browser: whom it answers, what it refuses, and what it lets a browser do."""

import httpx
import pytest

from bot.sandbox.page import page_app
from bot.sandbox.slack.workspace import Workspace
from tests.e2e.scripted import COMMANDS, SHORTCUTS, MemoryDesk, ScriptedApp

ORIGIN = "http://127.0.0.1:8080"


@pytest.fixture
def workspace():
    made = Workspace.demo(commands=COMMANDS, shortcuts=SHORTCUTS)
    made.outlet = ScriptedApp(made)
    return made


@pytest.fixture
async def client(workspace):
    app = page_app(workspace, MemoryDesk())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as made:
        yield made


def eva(workspace):
    return next(person.id for person in workspace.people.values() if person.name == "eva")


def room(workspace, name):
    return next(channel.id for channel in workspace.channels.values() if channel.name == name)


def message(workspace, **more):
    return {"user": eva(workspace), "channel": room(workspace, "it-help"), "text": "Hello", **more}


async def test_the_page_may_load_nothing_from_elsewhere_and_run_no_inline_script(client):
    answer = await client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "unsafe" not in policy


async def test_another_sites_page_is_refused(client, workspace):
    answer = await client.post(
        "/sandbox/api/act/post", json=message(workspace), headers={"origin": "https://evil.example"}
    )
    assert 403 == answer.status_code
    assert "Hello" not in [said["text"] for said in workspace.history(room(workspace, "it-help"))]


async def test_its_own_page_is_served(client, workspace):
    answer = await client.post("/sandbox/api/act/post", json=message(workspace), headers={"origin": ORIGIN})
    assert 200 == answer.status_code
    assert "Hello" == workspace.history(room(workspace, "it-help"))[-1]["text"]


async def test_a_strange_name_for_this_machine_is_refused(client):
    assert 400 == (await client.get("/", headers={"host": "rebound.evil.example"})).status_code


@pytest.mark.parametrize(
    ("act", "body", "status", "words"),
    [
        ("post", {"user": "U"}, 400, "cannot read: channel, text"),
        ("post", "not an object", 400, "cannot read"),
        ("nothing", {}, 404, "does not know this act"),
        ("close", {"user": "U0", "view": "V0"}, 404, "no longer there"),
        ("permalink", {"channel": "C0", "ts": "1.1"}, 404, "no longer there"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(client, act, body, status, words):
    answer = await client.post(f"/sandbox/api/act/{act}", json=body)
    assert status == answer.status_code
    assert words in answer.json()["error"]


async def test_nobody_writes_where_they_are_not_a_member(client, workspace):
    body = message(workspace, channel=room(workspace, "it-private"))
    answer = await client.post("/sandbox/api/act/post", json=body)
    assert (409, {"error": "Eva Lindqvist is not a member of #it-private"}) == (answer.status_code, answer.json())


async def test_a_private_channel_is_not_shown_to_others(client, workspace):
    asked = {"user": eva(workspace), "channel": room(workspace, "it-private")}
    shown = (await client.get("/sandbox/api/screen", params=asked)).json()
    assert [] == shown["messages"]
    assert "it-private" not in [channel["name"] for channel in shown["channels"]]


async def test_a_web_page_as_a_file_is_saved_and_never_shown(client, workspace):
    await workspace.post(eva(workspace), room(workspace, "it-help"), "", files=[("x.html", b"<script>", "text/html")])
    file_id = workspace.history(room(workspace, "it-help"))[-1]["files"][0]["id"]
    answer = await client.get(f"/sandbox/api/file/{file_id}")
    assert b"<script>" == answer.content
    assert ("application/octet-stream", 'attachment; filename="x.html"') == (
        answer.headers["content-type"],
        answer.headers["content-disposition"],
    )


async def test_a_file_that_is_too_large_is_refused_with_the_limit(client, monkeypatch):
    monkeypatch.setattr("bot.sandbox.page.uploads.LIMIT_BYTES", 1024 * 1024)
    answer = await client.post("/sandbox/api/uploads", params={"name": "big.iso"}, content=bytes(1024 * 1024 + 1))
    assert (413, "big.iso is too large: the sandbox takes 1 MB for each file.") == (
        answer.status_code,
        answer.json()["error"],
    )


async def test_a_change_is_told_to_the_page_that_waits_for_it(client, workspace):
    cursor = (await client.get("/sandbox/api/start")).json()["cursor"]
    await workspace.post(eva(workspace), room(workspace, "it-help"), "Hello")
    news = (await client.get("/sandbox/api/changes", params={"cursor": cursor})).json()
    assert news["cursor"] > cursor
    assert news["notices"][0].startswith("message C")
