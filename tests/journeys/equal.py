"""Holds a Slack thread against its ticket: texts, order, authors, files by hash. It knows no code of the product.

Each text that somebody writes carries a token: ``said00017v2`` is the second edit of message 17.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.sandbox.desks.base import SeenMessage, SeenTicket
from bot.sandbox.slack.workspace import Message

TOKEN = re.compile(r"(said\d{5})v(\d+)")


@dataclass(kw_only=True)
class Said:
    """What one person wrote, in Slack or as an agent at the desk."""

    token: str
    author: str  # empty for an agent, whose name is the desk's
    version: int = 0
    files: tuple[str, ...] = ()  # SHA-256 of each
    ts: str = ""
    deleted: bool = False
    internal: bool = False

    @property
    def text(self) -> str:
        """The token of the version that counts."""
        return f"{self.token}v{self.version}"


@dataclass(kw_only=True)
class Case:
    """A thread and its ticket: what was written at either side, in order."""

    channel: str
    ts: str = ""
    ticket: str = ""
    said: list[Said] = field(default_factory=list)
    answers: list[Said] = field(default_factory=list)


def sha(content: bytes) -> str:
    """The SHA-256 of *content*."""
    return hashlib.sha256(content).hexdigest()


@dataclass(kw_only=True)
class Held:
    """What came of holding both sides against each other: what is wrong, in words, and how much was compared."""

    wrong: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)

    def check(self, what: str, equal: object, words: str) -> None:
        """Count one comparison; where it is not *equal*, keep the words."""
        self.compared[what] += 1
        if not equal:
            self.wrong.append(words)


def at_the_desk(held: Held, case: Case, ticket: SeenTicket, people: Collection[str]) -> None:
    """Hold what people said in Slack against the ticket."""
    places: list[tuple[int, int, str]] = []
    hashes = Counter(file.sha256 for message in ticket.messages for file in message.files)
    newest = [_newest(message.text) for message in ticket.messages]
    for said in case.said:
        found = [n for n, versions in enumerate(newest) if said.token in versions]
        times = Counter(newest[n][said.token] for n in found)
        if said.deleted and not found:
            held.compared["deleted before they went out"] += 1
            continue
        last = max(times, default=0)
        expected = {said.version: 1} if not said.deleted else {last: 2}  # a deletion is told with the text that went
        told = {version: many for version, many in times.items() if version == last or many > 1}
        held.check("texts", told == expected, f"{said.text} is on the ticket as {dict(times)}, by version")
        if not found:
            continue
        first = ticket.messages[found[0]]
        places.append((found[0], first.text.index(said.token), said.token))
        held.check("authors", _author(first, said.token, people) == said.author, f"{said.text} is not {said.author}'s")
        there = {file.sha256 for file in first.files}
        for one in said.files:
            held.check("files", one in there and hashes[one] == 1, f"a file of {said.text} is missing")
    held.check("orders", sorted(places) == places, f"the messages of ticket {ticket.number} are not in order")


def in_the_thread(
    held: Held,
    case: Case,
    ticket: SeenTicket,
    posts: Sequence[Message],
    content: Callable[[str], bytes],
    *,
    files: bool = True,
) -> None:
    """Hold what agents said at the desk against the app's own *posts*; without *files* their names have to do."""
    shown = [(token, str(post["text"])) for post in posts for token, _ in _tokens(str(post.get("text", "")))]
    times = Counter(token for token, _ in shown)
    hashes = Counter(sha(content(file["id"])) for post in posts for file in post.get("files", ()))
    for said in case.answers:
        expected = 0 if said.internal else 1
        held.check("texts", times[said.token] == expected, f"{said.text} is {times[said.token]} times in the thread")
        for one in said.files:
            named = sum(f"{said.token}.txt" in str(post.get("text", "")) for post in posts)
            there = hashes[one] if files else named
            held.check("files" if files else "names of files", there == expected, f"a file of {said.text} is missing")
        author = next((message.author for message in ticket.messages if said.token in message.text), "nobody")
        by = all(author in text for token, text in shown if token == said.token)
        held.check("authors", by, f"the answer {said.text} does not name {author}")
    public = [said.token for said in case.answers if not said.internal and times[said.token]]
    held.check("orders", [token for token, _ in shown if token in public] == public, "the answers are not in order")


def in_slack(held: Held, case: Case, thread: Sequence[Message], people: dict[str, str]) -> None:
    """Hold the thread itself against what people wrote, so that the day's own notes are not believed either."""
    expected = [(said.text, said.author) for said in case.said if not said.deleted]
    shown = [
        (f"{token}v{version}", people[message["user"]])
        for message in thread
        if message.get("user") in people
        for token, version in _tokens(str(message.get("text", "")))
    ]
    held.check("threads", expected == shown, "the thread in Slack is not what people wrote")


def _tokens(text: str) -> list[tuple[str, int]]:
    return [(token, int(version)) for token, version in TOKEN.findall(text)]


def _newest(text: str) -> dict[str, int]:
    """The texts that a message says, by their newest version: an edit is told with the old one beside it."""
    newest: dict[str, int] = {}
    for token, version in _tokens(text):
        newest[token] = max(version, newest.get(token, 0))
    return newest


def _author(message: SeenMessage, token: str, people: Collection[str]) -> str:
    """Who said it: whoever is named last before it, else the message's own author."""
    before = message.text[: message.text.index(token)]
    named = max(people, key=before.rfind)
    if before.rfind(named) >= 0:
        return named
    return next((name for name in people if name in message.author), message.author)
