"""`threadline run`: it ends in time when it is told to, whatever hangs."""

import asyncio
import os
import signal
import time

from tests.commands.test_commands_mistakes import DESK, _slack, _tokens, slack, threadline

__all__ = ["slack"]


async def test_a_stop_is_not_held_up_by_a_store_that_hangs(tmp_path, slack):
    """The client would try again for minutes; systemd and its like kill after less."""
    async with threadline(tmp_path, "run", toml=_slack(slack) + DESK, environment=_tokens(slack)) as process:
        async with asyncio.timeout(60):
            while b"is connected to Slack" not in await process.stdout.readline():
                pass
        server = int((tmp_path / "d" / "server.pid").read_text())
        os.kill(server, signal.SIGSTOP)
        try:
            await asyncio.sleep(1)  # each part asks for something
            asked = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), 60)
            took = time.monotonic() - asked
        finally:
            os.kill(server, signal.SIGCONT)
            os.kill(server, signal.SIGTERM)

    assert (0, True) == (code, took < 20)
