"""`threadline run`: it ends in time when it is told to, whatever hangs, and what it says has the form of the log."""

import asyncio
import json
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


async def test_each_line_is_json_where_the_log_is(tmp_path, slack):
    """The greeting and what is not well, and why it ends."""
    slack.scopes.discard("files:read")
    toml = _slack(slack) + '[log]\nformat = "json"\n' + DESK
    lines = []
    async with threadline(tmp_path, "run", toml=toml, environment=_tokens(slack)) as process, asyncio.timeout(60):
        while line := await process.stdout.readline():
            lines.append(json.loads(line))
            if "NOT WELL" in lines[-1]["event"]:
                process.send_signal(signal.SIGTERM)
    async with threadline(tmp_path, "run", toml=toml, environment={}) as process:
        lines += map(json.loads, (await process.communicate())[0].splitlines())

    said = {line["event"].partition(":")[0]: (line["level"], line.get("remedy", "")[:8]) for line in lines}
    assert ("info", "") == said["Threadline is connected to Slack by Socket Mode."]
    assert ("warning", "Add them") == said["NOT WELL  Slack, scopes"]
    assert lines[-1]["event"].startswith("SLACK_BOT_TOKEN is not set in the environment.")
    assert (1, "error") == (process.returncode, lines[-1]["level"])
