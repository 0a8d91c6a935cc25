"""Files from Slack: which addresses are asked, who gets the token, and what is refused on arrival."""

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web as server
from hypothesis import given, strategies as st
from yarl import URL

from bot.conversion.ports import SlackFile, SlackRefused, SlackTrouble
from bot.slack.files import Files, describe, needs_info
from bot.slack.web import Web
from tests.slack.doors import serve

DATA = bytes(range(256)) * 40
LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


class Host:
    """A file server that keeps the Authorization headers it saw; ``plan`` answers before ``answer`` does."""

    def __init__(self, *plan, body=DATA, **answer):
        self.plan = list(plan)
        self.body = body
        self.answer = answer
        self.saw = []

    async def __call__(self, request):
        self.saw.append((request.path, request.headers.get("Authorization")))
        if self.plan:
            step = self.plan.pop(0)
            if step == "cut":
                response = server.StreamResponse(headers={"Content-Length": str(len(DATA))})
                await response.prepare(request)
                await response.write(DATA[:100])
                request.transport.abort()
                return response
            return step
        return server.Response(body=self.body, **self.answer)


@asynccontextmanager
async def files_of(host):
    async with serve({"/{path:.*}": host}) as url, Web("xoxb-canary", api_url=url + "/api/") as web:
        yield Files(web), SlackFile(id="F1", name="a.bin", size=len(DATA), url=url + "/files-pri/T1-F1/a.bin")


def moved(target, status=302):
    return server.Response(status=status, headers={"Location": target})


async def test_a_file_arrives_whole_with_its_digest(tmp_path):
    host = Host()
    async with files_of(host) as (files, file):
        brought = await files.fetch(replace(file, media_type="image/png"), tmp_path, limit=None)

    assert DATA == brought.path.read_bytes()
    assert ("a.bin", "image/png", len(DATA), hashlib.sha256(DATA).hexdigest()) == (
        brought.name,
        brought.media_type,
        brought.size,
        brought.sha256,
    )
    assert [("/files-pri/T1-F1/a.bin", "Bearer xoxb-canary")] == host.saw


BAD = [
    "",
    "https://evil.test/files-pri/T1-F1/a",
    "https://files.slack.com.evil.test/files-pri/T1-F1/a",
    "https://files.slack.com@evil.test/files-pri/T1-F1/a",
    "https://files.slack.com:443@evil.test/files-pri/a",
    "https://evil.test\\@files.slack.com/files-pri/a",
    "https://evil.test#@files.slack.com/files-pri/a",
    "http://files.slack.com/files-pri/T1-F1/a",
    "ftp://files.slack.com/files-pri/T1-F1/a",
    "https://files.slack.com:8443/files-pri/T1-F1/a",
    "https://user:pass@files.slack.com/files-pri/T1-F1/a",
    "https://files.slack.com/api/api.test",
    "https://files.slack.com/files-pri/../api/api.test",
    "https://files.slack.com/files-private/a",
    "https://slack.com/api/api.test?x=/files-pri/",
    "https://127.0.0.1/files-pri/a",
    "https://[::1]/files-pri/a",
    "https://xn--fles-slack-com/files-pri/a",
    "https://f\u0131les.slack.com/files-pri/a",
    "//files.slack.com/files-pri/a",
    "https://files.slack.com./files-pri/a",
    "javascript:alert(1)",
    "https://files.slack.com/files-pri/a b",
    "https://[files.slack.com/files-pri/a",
    "https://files.slack.com:99999/files-pri/a",
]


@pytest.mark.parametrize("url", BAD)
async def test_s3_an_address_that_is_not_slacks_own_is_never_asked(url, tmp_path):
    async with Web("xoxb-canary") as web:
        with pytest.raises(SlackRefused) as caught:
            await Files(web).fetch(SlackFile(id="F1", name="a.txt", url=url), tmp_path, limit=None)

    assert "file_elsewhere" == caught.value.code
    assert [] == list(tmp_path.iterdir())


async def test_s3_a_foreign_host_never_sees_the_token_not_even_by_redirect(tmp_path):
    stranger = Host()
    async with serve({"/{path:.*}": stranger}) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            host = Host(moved(elsewhere + "/files-pri/T1-F1/a.bin", status))
            async with files_of(host) as (files, file):
                with pytest.raises(SlackRefused, match="another place"):
                    await files.fetch(file, tmp_path, limit=None)
                with pytest.raises(SlackRefused):
                    await files.fetch(replace(file, url=elsewhere + "/files-pri/T1-F1/a.bin"), tmp_path, limit=None)

    assert [] == stranger.saw
    assert [] == list(tmp_path.iterdir())


@given(st.text(st.sampled_from("filesack.comev/@:#?\\%2etp-r "), max_size=40))
def test_s3_whatever_an_address_looks_like_the_token_goes_to_slacks_file_host_alone(tail):
    files = Files(Web("xoxb-canary"))
    file = SlackFile(id="F1", name="a", url="https://files.slack.com" + tail)
    try:
        url = files._start(file)
    except SlackRefused:
        return

    assert ("https", "files.slack.com", 443) == (url.scheme, url.host, url.port)
    assert url.path.startswith(("/files-pri/", "/files-tmb/"))


def test_s4_slacks_other_hosts_are_followed_without_the_token():
    files = Files(Web("xoxb-canary"))
    start = URL("https://files.slack.com/files-pri/T1-F1/a")

    follows = {
        target: files._may_have_token(files._next(start, target))
        for target in (
            "/files-pri/x",
            "https://slack-files.com/x",
            "https://a.slack-edge.com/x",
            "https://t.slack.com/",
        )
    }

    assert [True, False, False, False] == list(follows.values())
    for target in ("http://slack-files.com/x", "https://notslack.com/x", "https://evil.test/", "http://127.0.0.1/", ""):
        if target:
            with pytest.raises(SlackRefused):
                files._next(start, target)


async def test_s4_redirects_at_home_are_followed_with_the_token_and_end(tmp_path):
    host = Host(moved("/other/place"))
    async with files_of(host) as (files, file):
        await files.fetch(file, tmp_path, limit=None)
        assert ("/other/place", "Bearer xoxb-canary") == host.saw[1]

        host.plan = [moved("/again") for _ in range(9)]
        with pytest.raises(SlackRefused, match="address to address"):
            await files.fetch(file, tmp_path, limit=None)

    assert 2 + 4 == len(host.saw)


async def test_s8_slacks_login_page_is_not_taken_for_the_file(tmp_path):
    async with files_of(Host(body=LOGIN, content_type="text/html")) as (files, file):
        for one in (file, replace(file, size=0), replace(file, media_type="text/plain")):
            with pytest.raises(SlackRefused, match="files:read"):
                await files.fetch(one, tmp_path, limit=None)

    assert [] == list(tmp_path.iterdir())


async def test_s8_a_page_that_somebody_shared_is_a_file_like_any_other(tmp_path):
    async with files_of(Host(body=LOGIN)) as (files, file):
        typed = await files.fetch(replace(file, media_type="text/html", size=0), tmp_path, limit=None)
        exact = await files.fetch(replace(file, media_type="text/plain", size=len(LOGIN)), tmp_path, limit=None)

    assert LOGIN == typed.path.read_bytes() == exact.path.read_bytes()


async def test_s8_a_text_that_begins_like_a_page_and_was_changed_since_is_not_taken_for_the_login_page(tmp_path):
    async with files_of(Host(body=LOGIN, content_type="text/plain")) as (files, file):
        with pytest.raises(SlackRefused, match="Slack says it has 10 bytes"):
            await files.fetch(replace(file, media_type="text/plain", name="a.txt", size=10), tmp_path, limit=None)


async def test_s8_a_file_is_cut_off_at_the_cap_whatever_size_was_announced(tmp_path):
    async with files_of(Host()) as (files, file):
        for one in (file, replace(file, size=0), replace(file, size=10)):
            with pytest.raises(SlackRefused, match="larger than the 100 bytes"):
                await files.fetch(one, tmp_path, limit=100)

    assert [] == list(tmp_path.iterdir())


async def test_s7_a_compressed_answer_is_not_unpacked_without_being_asked_for(tmp_path):
    seen = {}

    async def answer(request):
        seen.update(request.headers)
        return server.Response(body=DATA)

    async with files_of(answer) as (files, file):
        await files.fetch(file, tmp_path, limit=None)

    assert "identity" == seen["Accept-Encoding"]


async def test_a_size_that_differs_is_tried_once_more_and_then_told(tmp_path):
    host = Host(server.Response(body=DATA[:-1]))
    async with files_of(host) as (files, file):
        assert len(DATA) == (await files.fetch(file, tmp_path, limit=None)).size

        host.body = DATA + b"more"
        with pytest.raises(SlackRefused, match="says it has 10,240 bytes, and sent 10,244"):
            await files.fetch(file, tmp_path, limit=None)

    assert 1 == len(list(tmp_path.iterdir()))


async def test_a_transfer_that_breaks_off_is_trouble_and_leaves_nothing(tmp_path):
    async with files_of(Host("cut")) as (files, file):
        with pytest.raises(SlackTrouble):
            await files.fetch(file, tmp_path, limit=None)

    assert [] == list(tmp_path.iterdir())


async def test_a_fetch_that_is_cancelled_leaves_nothing(tmp_path):
    begun = asyncio.Event()

    async def drip(request):
        response = server.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 300_000)
            await asyncio.sleep(0.01)
            if list(tmp_path.iterdir()):
                begun.set()

    async with files_of(drip) as (files, file):
        task = asyncio.create_task(files.fetch(replace(file, size=0), tmp_path, limit=None))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SlackRefused, "files:read"),
        (403, SlackRefused, "files:read"),
        (404, SlackRefused, "not in Slack any more"),
        (410, SlackRefused, "not in Slack any more"),
        (418, SlackRefused, "answered 418"),
        (500, SlackTrouble, "http_500"),
        (429, SlackTrouble, "ratelimited"),
    ],
)
async def test_each_status_says_what_to_do(status, error, words, tmp_path):
    headers = {"Retry-After": "9"} if status == 429 else {}
    async with files_of(Host(status=status, headers=headers)) as (files, file):
        with pytest.raises(error, match=words) as caught:
            await files.fetch(file, tmp_path, limit=None)

    if status == 429:
        assert timedelta(seconds=9) == caught.value.retry_after


FILE = {
    "id": "F1",
    "name": "../etc/pass\r\nwd",
    "mimetype": "text/plain",
    "size": 12,
    "url_private": "https://files.slack.com/files-pri/T1-F1/a",
    "url_private_download": "https://files.slack.com/files-pri/T1-F1/download/a",
    "permalink": "https://a.slack.com/files/U1/F1/a",
}


def test_a_file_is_described_with_a_clean_name_and_its_download_address():
    file = describe(FILE)

    assert ("F1", "text/plain", 12, "") == (file.id, file.media_type, file.size, file.trouble)
    assert FILE["url_private_download"] == file.url
    assert not set(file.name) & set("/\\\r\n")


@pytest.mark.parametrize(
    ("change", "words", "address"),
    [
        ({"mode": "tombstone"}, "deleted", ""),
        ({"mode": "hidden_by_limit"}, "plan", FILE["permalink"]),
        ({"mode": "external", "url_private": "https://docs.example/1"}, "outside of Slack", "https://docs.example/1"),
        ({"is_external": True, "url_private": "https://docs.example/1"}, "outside of Slack", "https://docs.example/1"),
        ({"mode": "quip"}, "canvas", FILE["permalink"]),
        ({"url_private": None, "url_private_download": None}, "no address", FILE["permalink"]),
    ],
)
async def test_what_cannot_be_fetched_says_why_and_where_it_is(change, words, address, tmp_path):
    file = describe({**FILE, **change})

    assert words in file.trouble
    assert (address, address.startswith("https://docs.example")) == (file.permalink, file.outside)
    async with Web("xoxb-canary") as web:
        with pytest.raises(SlackRefused, match=words):
            await Files(web).fetch(file, tmp_path, limit=None)


@given(
    st.dictionaries(
        st.sampled_from([*FILE, "mode", "is_external", "title"]), st.none() | st.integers() | st.text() | st.booleans()
    )
)
def test_no_description_of_a_file_makes_us_fail(file):
    assert describe(file).name


def test_a_file_of_another_organisation_must_be_asked_for():
    stub = {"id": "F1", "mode": "file_access", "file_access": "check_file_info"}

    assert needs_info(stub)
    assert "" == describe(stub).trouble
