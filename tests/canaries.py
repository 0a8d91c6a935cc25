"""S16: every secret and every message of the whole suite is a canary: it is looked for where it does not belong.

What the suite pretends is a secret becomes a SecretStr of the settings or a bot token; what it pretends that people
write goes to the pretend Slack, or to or from a desk. Both are noted as they pass, for the test that runs. At its end
neither may be in what was logged or would have been at level debug (written as the product writes it, its filter
included), on standard error, in the words of an error, or on a page of metrics; no secret in what was printed or sent
to Slack; and in Redis texts only under the keys that docs/redis.md names for them, secrets only as what desks share.
"""

import json
import logging
from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Final

import pytest
from pydantic import SecretStr
from typing_extensions import override

from adapters.errors import AdapterError
from adapters.model import Body
from bot.commands.logs import _Line
from bot.conversion.ports import StoreAway
from bot.doors.metrics import Figures
from bot.sandbox.slack.workspace import Workspace
from bot.slack.web import Web
from bot.store.store import Store

SHORT: Final = 10
"""Characters below which a canary is found by chance."""
MANY: Final = 300
"""Canaries of each kind, and keys of a store, that are looked at in one test."""
WITH_TEXTS: Final = ("ops", "again", "parked", "links", "form")
"""Parts of the names of keys that may hold texts: docs/redis.md."""
WITH_SECRETS: Final = "tk:value:"
"""How the key begins that holds what desks share, such as a session."""


class Watch:
    """What passed in one test, and what was seen where."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.texts: set[str] = set()
        self._seen: dict[str, list[str]] = {}

    def secret(self, value: str) -> None:
        """A secret passed."""
        if len(value) >= SHORT and len(self.secrets) < MANY:
            self.secrets.add(value)

    def text(self, value: object) -> None:
        """Something that somebody wrote passed; its first line tells it."""
        line = str(value or "").strip().partition("\n")[0][:80]
        if len(line) >= SHORT and len(self.texts) < MANY:
            self.texts.add(line)

    def see(self, place: str, words: str) -> None:
        """Something can be read at a *place*: log, stdout, stderr, error, metrics, Slack, or a key of Redis."""
        self._seen.setdefault(place, []).append(words)

    def found(self) -> list[str]:
        """Each place where a canary is that must not be there."""
        return sorted(
            f"{place}: {canary}"
            for place, words in self._seen.items()
            for canary in self._unwelcome(place)
            if any(canary in one for one in words)
        )

    def _unwelcome(self, place: str) -> set[str]:
        if place.startswith("tk:"):
            texts = set() if any(part in place.split(":") for part in WITH_TEXTS) else self.texts
            return texts | (set() if place.startswith(WITH_SECRETS) else self.secrets)
        return self.secrets if place in {"Slack", "stdout"} else self.secrets | self.texts


class _Log(logging.Handler):
    """Sees each record as the product would write it."""

    def __init__(self, see: Callable[[str], None]) -> None:
        super().__init__()
        self._see = see
        self.setFormatter(_Line("json"))

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._see(self.format(record))


class Canaries:
    """Notes what passes for ``watch``, which is another one in each test."""

    def __init__(self) -> None:
        self.watch = Watch()

    def install(self) -> None:
        """Have secrets, texts, errors, pages, posts and stores of this process noted."""
        log = _Log(lambda line: self.watch.see("log", line))
        logging.getLogger().addHandler(log)
        for level in ("DEBUG", "INFO"):
            _also_below(log, level)
        _after(SecretStr, "__init__", lambda secret: self.watch.secret(str(secret.get_secret_value())))
        _after(Web, "__init__", lambda web: self.watch.secret(web.token))
        _after(Body, "__init__", lambda body: self.watch.text(body.plain))
        _after(pytest.CaptureFixture, "readouterr", self.printed)
        _after(AdapterError, "__init__", lambda error: self.watch.see("error", str(error)))
        self._install_asynchronous()

    def printed(self, captured: Any) -> None:
        """What a test took of what was printed, as `pytest.CaptureFixture.readouterr` gives it."""
        self.watch.see("stdout", str(captured.out))
        self.watch.see("stderr", str(captured.err))

    def _install_asynchronous(self) -> None:
        page, post, send, opened = Figures.page, Workspace.post, Web._send, Store.open.__func__  # type: ignore[attr-defined]

        @wraps(page)
        async def shown(figures: Figures) -> str:
            found = await page(figures)
            self.watch.see("metrics", found)
            return found

        @wraps(post)
        async def posted(workspace: Workspace, user: str, channel: str, text: str, **more: Any) -> Any:
            self.watch.text(text)
            return await post(workspace, user, channel, text, **more)

        @wraps(send)
        async def sent(web: Web, method: str, form: dict[str, str], token: str) -> Any:
            self.watch.see("Slack", str(form))
            return await send(web, method, form, token)

        @wraps(opened)
        @asynccontextmanager
        async def open_store(cls: type[Store], *args: Any, **more: Any) -> Any:
            async with opened(cls, *args, **more) as store:
                try:
                    yield store
                finally:
                    await self._read(store)

        for owner, name, made in ((Figures, "page", shown), (Workspace, "post", posted), (Web, "_send", sent)):
            setattr(owner, name, made)
        Store.open = classmethod(open_store)  # type: ignore[assignment,method-assign]

    async def _read(self, store: Store) -> None:
        """See what a store holds; one that is away, or a Cluster, is left."""
        if store.connection.is_cluster or not (self.watch.secrets or self.watch.texts):
            return
        try:
            _, keys = await store.connection.do("SCAN", "0", "COUNT", MANY)
            kinds = await store.connection.do_many([("TYPE", key) for key in keys])
            asked = [
                (READ[kind][0], key, *READ[kind][1:]) for key, kind in zip(keys, kinds, strict=True) if kind in READ
            ]
            values = await store.connection.do_many(asked)
        except StoreAway:
            return
        for (_, key, *_rest), value in zip(asked, values, strict=True):
            self.watch.see(key, json.dumps(value, default=str, ensure_ascii=False))


OURS: Final = frozenset({"bot", "adapters", "threadline"})
READ: Final = {"string": ("GET",), "hash": ("HGETALL",), "set": ("SMEMBERS",), "zset": ("ZRANGE", "0", "-1")}


def _after(owner: type, name: str, then: Callable[[Any], None]) -> None:
    """Have *then* told of what *name* of *owner* gave, or where it gives nothing, of the object it was called on."""
    before = getattr(owner, name)

    @wraps(before)
    def called(self: Any, *args: Any, **more: Any) -> Any:
        given = before(self, *args, **more)
        then(self if given is None else given)
        return given

    setattr(owner, name, called)


def _also_below(log: _Log, level: str) -> None:
    """Have *log* see what our own code says at *level*, also while nobody listens at that level."""
    before = getattr(logging.Logger, level.lower())

    @wraps(before)
    def called(self: logging.Logger, words: object, *args: object, **more: Any) -> None:
        before(self, words, *args, **more)
        number = getattr(logging, level)
        if self.name.partition(".")[0] in OURS and not self.isEnabledFor(number):
            log.emit(self.makeRecord(self.name, number, "", 0, words, args, None, extra=more.get("extra")))

    setattr(logging.Logger, level.lower(), called)


CANARIES: Final = Canaries()
"""Those of this process."""
