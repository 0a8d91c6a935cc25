"""Says things back to the person who did something, at once or a little later, and finishes views after the answer."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bot.conversion.intake import Intake
from bot.conversion.ports import SlackOutcomeUnknown, SlackRefused, SlackTrouble, StoreAway
from bot.conversion.records import Tell
from bot.slack.routing import Call
from bot.slack.views.elements import Said
from bot.slack.views.notices import notice

log = logging.getLogger(__name__)

DRAIN = 5.0
"""Seconds that views which are being filled get when the process stops."""


class Later:
    """What happens after the answer and may be lost: filling a view, a late word. Promises are kept by the store."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin *work*; its end is only logged."""
        task = asyncio.create_task(self._quietly(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self, seconds: float = DRAIN) -> None:
        """Let what runs come to its end, for at most *seconds*."""
        running = set(self._running)
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (SlackTrouble, SlackRefused) as error:
            log.info("a view or a word was not brought to Slack: %s", error.code)
        except (SlackOutcomeUnknown, StoreAway) as error:
            log.info("a view or a word was not brought to Slack: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task, so its end is told here
            log.error("filling a view failed: %s", type(error).__name__)


class Answers:
    """Ephemeral answers. What Slack does not take by the short way goes by the store, so that it is said in the end."""

    def __init__(self, intake: Intake, later: Later) -> None:
        self._intake = intake
        self._later = later

    async def ack(self, call: Call, said: Said) -> None:
        """The answer to a command, in the reply itself."""
        blocks, text = said
        await call.ack(text=text, blocks=blocks, response_type="ephemeral")

    async def say(self, call: Call, said: Said, *, words: str, replace: bool = False) -> None:
        """The answer to a shortcut or a button; *words* are the same without markup, for the long way.

        *replace*: it takes the place of the message in which the button was.
        """
        if await call.whisper(said, replace=replace):
            return
        actor = call.actor
        work = Tell(user=actor.id, channel=call.channel, thread_ts=call.thread_ts, text=words)
        await self._intake.tell(work, team=actor.team, once=f"{call.trigger}:{actor.id}")

    def soon(self, call: Call, words: str) -> None:
        """`say` plain words after the acknowledgement."""
        self._later.run(self.say(call, notice(words), words=words))
