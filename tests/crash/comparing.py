"""Holds what was written against what is there: lost, duplicated, out of order, or shown to the wrong people.

It reads the ledger, the agents' view of the desk and what Slack shows; it knows no code of the product.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.sandbox.desks.base import SeenTicket
from tests.crash.ledger import TOKEN, Ledger, Said, Thread

DELETED = "deleted their message"


@dataclass
class Found:
    """What is wrong, as tokens with words; empty lists are what is promised."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    handed_late: int = 0

    @property
    def well(self) -> bool:
        """Whether the promise held."""
        return not (self.lost or self.duplicated or self.out_of_order or self.leaked)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the desk and Slack hold at the end."""

    tickets: Sequence[SeenTicket]
    posts: Mapping[str, Sequence[str]]  # a thread's name -> texts of our posts in it, oldest first
    sent: Mapping[str, float] = field(default_factory=dict)  # Slack ts -> when its event was first sent to us
    stored: Mapping[str, float] = field(default_factory=dict)  # Slack ts -> when we first acknowledged it


def compare(ledger: Ledger, seen: Seen, *, never_handed: Iterable[str] = ()) -> Found:
    """Everything that is wrong.

    Args:
        ledger: what was written.
        seen: what is there.
        never_handed: tokens whose events Slack gave up, so that we never had them.
    """
    found, desk = Found(), _Desk(ledger, seen.tickets)
    excused = set(never_handed)
    _tickets(ledger, desk, found)
    for said in ledger.said:
        _message(said, desk, found, excused)
    for token in ledger.notes:
        _once(token, desk.fresh[token], found, excused)
        if desk.public[token]:
            found.leaked.append(f"{token} a note that everybody can read")
    for thread in ledger.threads:
        _order(thread, ledger, desk, found, seen)
    _answers(ledger, seen, found)
    return found


class _Desk:
    """The desk's messages by token. A text that quotes another (an edit, a deletion) does not count as that other."""

    def __init__(self, ledger: Ledger, tickets: Sequence[SeenTicket]) -> None:
        self.subjects = Counter(token for ticket in tickets for token in TOKEN.findall(ticket.subject))
        self.ticket_of = {token: ticket.id for ticket in tickets for token in TOKEN.findall(ticket.subject)}
        self.fresh: Counter[str] = Counter()
        self.public: Counter[str] = Counter()
        self.deletions: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.order: dict[str, list[str]] = {}
        chain = {token: said.versions for said in ledger.said for token in said.versions}
        for ticket in tickets:
            for message in ticket.messages:
                tokens = list(dict.fromkeys(TOKEN.findall(message.text)))
                self.files.update(token for file in message.files for token in TOKEN.findall(file.name))
                if DELETED in message.text:
                    self.deletions.update(tokens)
                    continue
                fresh = [token for token in tokens if not _quoted(token, tokens, chain)]
                self.fresh.update(fresh)
                self.public.update(() if message.internal else fresh)
                self.order.setdefault(ticket.id, []).extend(fresh)


def _quoted(token: str, tokens: Sequence[str], chain: Mapping[str, list[str]]) -> bool:
    """Whether a later version of the same message stands in the same text."""
    versions = chain.get(token, [token])
    return any(later in tokens for later in versions[versions.index(token) + 1 :])


def _once(token: str, times: int, found: Found, excused: set[str]) -> None:
    if times == 0 and token not in excused:
        found.lost.append(token)
    if times > 1:
        found.duplicated.append(f"{token} {times} times")


def _tickets(ledger: Ledger, desk: _Desk, found: Found) -> None:
    for thread in ledger.threads:
        _once(thread.name, desk.subjects[thread.name], found, set())


def _message(said: Said, desk: _Desk, found: Found, excused: set[str]) -> None:
    times = {token: desk.fresh[token] for token in said.versions}
    found.duplicated += [f"{token} {count} times" for token, count in times.items() if count > 1]
    last = said.versions[-1]
    there = any(times.values()) or any(desk.deletions[token] for token in said.versions)
    if said.deleted and not there:
        found.vanished.append(last)
        return
    if not there and not excused.issuperset(said.versions):
        found.lost.append(" ".join(said.versions))
    elif not times[last] and not desk.deletions[last] and last not in excused:
        found.lost.append(f"{last} an edit of {said.versions[0]}")
    if said.deleted:
        gone = sum(desk.deletions[token] for token in said.versions)
        _once(f"{last} (its deletion)", gone, found, {f"{token} (its deletion)" for token in excused})
    if said.file:
        _once(said.file, desk.files[said.file], found, excused)


def _order(thread: Thread, ledger: Ledger, desk: _Desk, found: Found, seen: Seen) -> None:
    """Messages of one thread; one that was handed to us only after a later one is not ours to answer for."""
    ts_of = {said.versions[0]: said.ts for said in ledger.said if said.thread is thread}
    there = list(dict.fromkeys(t for t in desk.order.get(desk.ticket_of.get(thread.name, ""), []) if t in ts_of))
    for number, token in enumerate(there):
        ts = ts_of[token]
        for before in (ts_of[other] for other in there[:number]):
            if float(before) <= float(ts):
                continue
            if seen.stored.get(ts, float("inf")) < seen.sent.get(before, 0.0):
                found.out_of_order.append(f"{token} behind one of {before}")
            else:
                found.handed_late += 1


def _answers(ledger: Ledger, seen: Seen, found: Found) -> None:
    shown = {
        name: [t for text in texts for t in dict.fromkeys(TOKEN.findall(text))] for name, texts in seen.posts.items()
    }
    times = Counter(token for tokens in shown.values() for token in tokens)
    for token in ledger.answers:
        _once(token, times[token], found, set())
    found.leaked += [f"{token} an agent's note in Slack" for token in ledger.secrets if times[token]]
    for thread in ledger.threads:
        wrote = [token for token, where in ledger.answers.items() if where is thread]
        there = [token for token in dict.fromkeys(shown.get(thread.name, [])) if token in ledger.answers]
        if there != [token for token in wrote if token in there]:
            found.out_of_order.append(f"answers of {thread.name}")
