"""Stands for the Slack room in tests of the worker: a thread that can be read, and a voice that remembers.

Steer it: put `ThreadMessage`s into ``threads.messages``, bytes into ``threads.files``, an exception into
``threads.trouble`` or ``voice.trouble`` to have the next call fail.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adapters.model import OutgoingFile
from bot.conversion.ports import Audience, Author, FromDesk, SlackFile, SlackOutcomeUnknown, SlackRefused, ThreadMessage
from bot.conversion.text.plain import from_plain

ADA = Author(id="U1", name="Ada Lovelace", email="ada@example.com")
BEN = Author(id="U2", name="Ben Bitdiddle", email="ben@example.com")


def said(ts, text, author=ADA, files=()):
    at = datetime.fromtimestamp(float(ts), UTC)
    return ThreadMessage(ts=ts, author=author, at=at, document=from_plain(text), files=tuple(files))


class FakeThreads:
    def __init__(self):
        self.messages = []
        self.files = {}
        self.trouble = None
        self.reads = 0
        self.locales = {}
        self.readers = Audience()

    async def read(self, thread):
        self.reads += 1
        if self.trouble:
            trouble, self.trouble = self.trouble, None
            raise trouble
        return tuple(self.messages)

    async def understand(self, message, channel):
        return replace(said(message["ts"], message["text"]), edited=message.get("edited", {}).get("ts", ""))

    async def author(self, user):
        return next((author for author in (ADA, BEN) if author.id == user), Author(id=user, name=user))

    async def locale(self, user, *, patience=0.25):
        return self.locales.get(user, "")

    async def file(self, file_id):
        return SlackFile(id=file_id, name=f"{file_id}.txt", size=len(self.files[file_id]))

    async def fetch(self, file, folder, *, limit):
        if file.id not in self.files:
            raise SlackRefused("file_not_found", "the file is gone from Slack.")
        content = self.files[file.id]
        path = folder / file.name
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return OutgoingFile(name=file.name, media_type="text/plain", size=len(content), sha256=digest, path=path)

    async def audience(self, channel):
        return self.readers

    async def permalink(self, channel, ts):
        return f"https://example.slack.com/archives/{channel}/p{ts}"


class FakeVoice:
    def __init__(self):
        self.cards = {}  # (channel, thread ts, marker) -> ts
        self.updates = []
        self.receipts = []
        self.receipts_are_words = self.receipts_are_silent = False
        self.longest = timedelta()
        self.times_posted = 0
        self.told = []
        self.posted = {}  # marker -> FromDesk
        self.uploads = []
        self.ended = []
        self.broadcast, self.rewritten = [], {}
        self.lose_next_post = False
        self.trouble = None

    async def post_card(self, channel, thread_ts, card, marker):
        if self.trouble:
            trouble, self.trouble = self.trouble, None
            raise trouble
        ts = f"18{len(self.cards):08}.000100"
        self.cards[channel, thread_ts, marker] = ts
        return ts

    async def find_post(self, channel, thread_ts, marker):
        return "1" if marker in self.posted else self.cards.get((channel, thread_ts, marker))

    async def markers(self, thread):
        return frozenset(self.posted)

    async def kept_by_another(self, thread, number):
        return False

    def posts(self, message):
        return (message,)

    def question(self, text, parked):
        return FromDesk(document=from_plain(f"{text} [{parked}]"))

    async def post(self, thread, post, marker, *, broadcast=False):
        self.times_posted += 1
        if broadcast:
            self.broadcast.append(marker)
        if self.lose_next_post:
            self.lose_next_post = False
            self.posted[marker] = post
            raise SlackOutcomeUnknown("timeout")
        self.posted[marker] = post
        return f"19{len(self.posted):08}.000100"

    async def rewrite(self, channel, ts, post):
        self.rewritten[ts] = post

    async def upload(self, thread, name, content):
        self.uploads.append((name, content))

    async def find_upload(self, thread, name, size):
        return (name, size) in [(name, len(content)) for name, content in self.uploads]

    async def update_card(self, card):
        self.updates.append(card)

    async def receipt(self, state):
        self.receipts.append((state.ts, state.state))

    def receipts_of(self, link):
        return dict(link.receipts)

    async def tell(self, user, channel, thread_ts, text, *, parked="", asks=False):
        self.told.append((user, text, parked))

    async def finish_step(self, step, outputs, *, error=""):
        self.ended.append((step, outputs, error))

    async def direct_channel(self, user):
        return f"D{user}"


class FakeEvents:
    def __init__(self):
        self.bodies = []

    async def dispatch(self, body, _link):
        self.bodies.append(body)


def with_files(message, *files):
    return replace(message, files=files)
