"""What a form remembers while it is open: ids only, signed for the person who opened it, for half an hour."""

import hashlib
import hmac
import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.conversion.records import ThreadKey

LIFETIME = 30 * 60.0
"""Seconds. A form that stayed open longer is drawn anew with everything that was typed into it."""


class Memory(BaseModel):
    """What a form must know when it comes back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: str  # callback id of the modal
    user: str
    team: str
    channel: str = ""
    desk: str = ""
    thread_ts: str = ""
    message_ts: str = ""
    ticket: str = ""  # which it was made for, as its button said; empty: whichever its thread has
    kept: str = ""  # key of what is too large to travel
    until: float = 0.0

    @property
    def thread(self) -> ThreadKey:
        """The thread that the form is about."""
        return ThreadKey(team=self.team, channel=self.channel, ts=self.thread_ts)


class Forged(Exception):
    """The metadata is not ours, not this person's or not this form's."""


class Seal:
    """Signs and checks `Memory`."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret.encode(), b"threadline: what a form remembers", "sha256")
        self._clock = clock

    def close(self, memory: Memory) -> str:
        """*memory*, signed, good for half an hour from now."""
        text = memory.model_copy(update={"until": self._clock() + LIFETIME}).model_dump_json(exclude_defaults=True)
        return f"{self._sign(text)}{text}"

    def open(self, sealed: str, *, form: str, user: str) -> Memory:
        """What was sealed for this form and person, even if its time is over (see `is_over`).

        Raises:
            Forged: it was not.
        """
        signature, text = sealed[:64], sealed[64:]
        if not hmac.compare_digest(signature.encode(), self._sign(text).encode()):
            raise Forged
        try:
            memory = Memory.model_validate_json(text)
        except ValidationError as error:
            raise Forged from error
        if (memory.form, memory.user) != (form, user):
            raise Forged
        return memory

    def is_over(self, memory: Memory) -> bool:
        """Whether the form was open for too long to be taken as it is."""
        return self._clock() > memory.until

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
