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


def at_the_desk(case: Case, ticket: SeenTicket, people: Collection[str]) -> list[str]:
    """What is wrong at the desk with what people said in Slack, in words."""
    wrong: list[str] = []
    places: list[tuple[int, int, str]] = []
    fresh = Counter(token for message in ticket.messages for token in _fresh(message))
    hashes = Counter(file.sha256 for message in ticket.messages for file in message.files)
    for said in case.said:
        found = [(n, m) for n, m in enumerate(ticket.messages) if said.token in m.text and not _obituary(m)]
        times = (
            fresh[said.text] if not said.deleted else max(fresh[f"{said.token}v{n}"] for n in range(said.version + 1))
        )
        if times != 1:
            wrong.append(f"{said.text} is {times} times on the ticket")
        if not found:
            continue
        number, first = found[0]
        places.append((number, first.text.index(said.token), said.token))
        if _author(first, said.token, people) != said.author:
            wrong.append(f"{said.text} is not by {said.author}")
        there = {file.sha256 for file in first.files}
        wrong += [f"a file of {said.text} is missing" for one in said.files if one not in there or hashes[one] != 1]
    if said_last := [said for said in case.said if said.deleted]:
        gone = [
            said.token for said in said_last if not any(_obituary(m) and said.token in m.text for m in ticket.messages)
        ]
        wrong += [f"the deletion of {token} is not on the ticket" for token in gone]
    if [token for *_, token in sorted(places)] != [token for *_, token in places]:
        wrong.append(f"the messages of ticket {ticket.number} are not in order")
    return wrong


def in_the_thread(
    case: Case, ticket: SeenTicket, posts: Sequence[Message], content: Callable[[str], bytes]
) -> list[str]:
    """What is wrong in Slack with what agents said at the desk; *posts* are the app's own in the thread."""
    wrong: list[str] = []
    shown = [(token, str(post["text"])) for post in posts for token, _ in _tokens(str(post.get("text", "")))]
    times = Counter(token for token, _ in shown)
    hashes = Counter(sha(content(file["id"])) for post in posts for file in post.get("files", ()))
    for said in case.answers:
        expected = 0 if said.internal else 1
        if times[said.token] != expected:
            wrong.append(f"the answer {said.text} is {times[said.token]} times in the thread")
        wrong += [f"a file of {said.text} is missing" for one in said.files if hashes[one] != expected]
        author = next((message.author for message in ticket.messages if said.token in message.text), "nobody")
        if any(author not in text for token, text in shown if token == said.token):
            wrong.append(f"the answer {said.text} does not name {author}")
    public = [said.token for said in case.answers if not said.internal and times[said.token]]
    if [token for token, _ in shown if token in public] != public:
        wrong.append("the answers are not in order")
    return wrong


def in_slack(case: Case, thread: Sequence[Message], people: dict[str, str]) -> list[str]:
    """What is wrong with the thread itself, so that the day's own notes are not believed either."""
    expected = [(said.text, said.author) for said in case.said if not said.deleted]
    shown = [
        (f"{token}v{version}", people[message["user"]])
        for message in thread
        if message.get("user") in people
        for token, version in _tokens(str(message.get("text", "")))
    ]
    return [] if expected == shown else ["the thread in Slack is not what people wrote"]


def _tokens(text: str) -> list[tuple[str, int]]:
    return [(token, int(version)) for token, version in TOKEN.findall(text)]


def _fresh(message: SeenMessage) -> set[str]:
    """The texts that a message says itself: of several versions the last, since the others are quoted."""
    if _obituary(message):
        return set()
    last: dict[str, int] = {}
    for token, version in _tokens(message.text):
        last[token] = max(version, last.get(token, 0))
    return {f"{token}v{version}" for token, version in last.items()}


def _obituary(message: SeenMessage) -> bool:
    """Whether a message only tells that another was deleted."""
    return "deleted their message" in message.text


def _author(message: SeenMessage, token: str, people: Collection[str]) -> str:
    """Who said it: whoever is named last before it, else the message's own author."""
    before = message.text[: message.text.index(token)]
    named = max(people, key=before.rfind)
    if before.rfind(named) >= 0:
        return named
    return next((name for name in people if name in message.author), message.author)
