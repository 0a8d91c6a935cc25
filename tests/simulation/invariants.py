"""What must hold, each as a sentence and as code; it knows the store's keys and what people see."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bot.conversion.decisions import Decision
from bot.conversion.ports import Parked

if TYPE_CHECKING:
    from tests.simulation.ledger import Said
    from tests.simulation.town import Town

_TOKEN = re.compile(r"tok\d{3}")
_BEFORE = "Before it was edited:"


def _hashes(town: "Town", name: str) -> Iterator[tuple[str, str]]:
    yield from town.redis.data.get(f"tk:{{00}}:{name}", {}).items()


def _queues(town: "Town") -> Iterator[tuple[str, str, dict[str, float]]]:
    """Shard, lane, and the operations in it."""
    for key, value in town.redis.data.items():
        shard, _, lane = key.partition(":q:")
        if lane:
            yield shard, lane, value


# --- at any moment ----------------------------------------------------------------------------------------------------


def always(town: "Town") -> list[str]:
    """What does not hold now."""
    return [*_no_lane_is_forgotten(town), *_records_and_queues_agree(town), *_watermark_is_behind(town)]


def _no_lane_is_forgotten(town: "Town") -> Iterator[str]:
    """A lane in which something waits is due at some time, or held for a person."""
    for shard, lane, _ in _queues(town):
        if lane not in town.redis.data.get(f"{shard}:ready", {}) and lane not in town.redis.data.get(
            f"{shard}:held", {}
        ):
            yield f"forgotten: {lane} has work and nobody will ever look at it"


def _records_and_queues_agree(town: "Town") -> Iterator[str]:
    """What waits has a record, and what has a record waits."""
    queued = {f"{lane}|{op}" for _, lane, ops in _queues(town) for op in ops}
    records = {field for field, _ in _hashes(town, "ops")}
    for field in sorted(queued ^ records):
        yield f"torn: {field} is in its lane or has a record, but not both"


def _watermark_is_behind(town: "Town") -> Iterator[str]:
    """Whatever the watermark of a ticket has passed is in the thread."""
    for thread, stored in _hashes(town, "links"):
        link = json.loads(stored)
        posts = town.slack.threads[thread.rpartition(":")[2]].posts
        shown = {token for post in posts for token in _TOKEN.findall(post.text)}
        for entry in town.desk.tickets[int(link["ticket_id"])].entries:
            if entry.by_agent and not entry.internal and entry.id <= int(link.get("seen") or 0):
                yield from (
                    f"passed over: {token} of an agent" for token in _TOKEN.findall(entry.text) if token not in shown
                )


# --- at the end -------------------------------------------------------------------------------------------------------


def at_the_end(town: "Town") -> list[str]:
    """What does not hold when all is done."""
    return [
        *always(town),
        *missing(town),
        *_nothing_twice(town),
        *_in_order(town),
        *_nothing_leaks(town),
        *_parked_is_told(town),
    ]


def waiting(town: "Town") -> list[str]:
    """Operations that wait in lanes, but for those that repeat themselves."""
    return [f"{lane} {op}" for _, lane, ops in _queues(town) for op in ops if op not in {"repeat", "poll"}]


def _ours(town: "Town", thread: int) -> list[str]:
    """What we wrote on the thread's ticket, in order, each with what it says now (not what it quotes)."""
    ticket = town.ticket_of(thread)
    if ticket is None:
        return []
    return [entry.text for entry in town.desk.tickets[ticket].entries if not entry.by_agent]


def _is_note(text: str) -> bool:
    return "edited their message" in text or "deleted their message" in text


def _now(text: str) -> list[str]:
    """Tokens of a message as it reads now."""
    return [] if _is_note(text) else _TOKEN.findall(text.partition(_BEFORE)[0])


def _forms(said: "Said") -> list[str]:
    return [said.token, *(token for token, _ in said.edits)]


def _expected(town: "Town") -> Iterator["Said"]:
    """Messages that must be on a ticket."""
    for said in town.ledger.said:
        if said.thread in town.ledger.opened and not said.poison and said.deleted is None:
            yield said


def missing(town: "Town") -> list[str]:
    """Nothing that was said is lost; no edit, deletion or agent's answer either."""
    lost = []
    notes = {thread: [text for text in _ours(town, thread) if _is_note(text)] for thread in town.ledger.opened}
    texts = {thread: _ours(town, thread) for thread in town.ledger.opened}
    for said in _expected(town):
        there = {token for text in texts[said.thread] for token in _now(text)}
        if not there & set(_forms(said)):
            lost.append(f"lost: {said.token} was said in thread {said.thread} and is not on its ticket")
        if said.edits and said.edits[-1][1]:
            last = said.edits[-1][0]
            told = any(f"reads:\n\n{last}" in text or last in text.partition(_BEFORE)[0] for text in notes[said.thread])
            if last not in there and not told:
                lost.append(f"lost: the edit {last} of {said.token}")
    for said in town.ledger.said:
        if said.deleted and said.thread in town.ledger.opened and not said.poison:
            shown = any(set(_now(text)) & set(_forms(said)) for text in texts[said.thread])
            traces = [
                text
                for text in notes[said.thread]
                if "deleted their" in text and set(_TOKEN.findall(text)) & set(_forms(said))
            ]
            heard = any("deleted here may be on" in told.text for told in town.slack.told)  # they look there
            if shown and not traces and not heard:
                lost.append(f"lost: the deletion of {said.token}")
    return [*lost, *_answers_missing(town)]


def _answers_missing(town: "Town") -> Iterator[str]:
    for answer in town.ledger.answered:
        linked, there = answer.thread in town.ledger.opened, _shown(town, answer.thread)
        if linked and not answer.internal and answer.token not in there:
            yield f"lost: {answer.token} of an agent is not in thread {answer.thread}"


def _shown(town: "Town", thread: int) -> list[str]:
    posts = town.slack.threads[town.ledger.roots[thread]].posts
    return [token for post in posts for token in _TOKEN.findall(post.text)]


def _nothing_twice(town: "Town") -> Iterator[str]:
    """Each message, each note of an edit or deletion, each answer, each ticket and each card is there once."""
    for thread, root in enumerate(town.ledger.roots):
        first = f"tok{thread + 1:03}"
        found = [t for t in town.desk.tickets.values() if any(first in entry.text for entry in t.entries)]
        if len(found) > 1:
            yield f"twice: {len(found)} tickets for thread {thread}"
        texts = _ours(town, thread)
        for said in town.ledger.said:
            if said.thread == thread:
                times = sum(bool(set(_now(text)) & set(_forms(said))) for text in texts)
                if times > 1:
                    yield f"twice: {said.token} is on the ticket of thread {thread} {times} times"
        heads = Counter(
            (text.split(" ", 3)[1], _TOKEN.findall(text)[0]) for text in texts if _is_note(text) and _TOKEN.search(text)
        )
        yield from (f"twice: the note that {token} was {what}" for (what, token), times in heads.items() if times > 1)
        shown = Counter(_shown(town, thread))
        yield from (f"twice: {token} of an agent in thread {thread}" for token, times in shown.items() if times > 1)
        cards = sum(post.card for post in town.slack.threads[root].posts)
        if cards > 1:
            yield f"twice: {cards} cards in thread {thread}"
    spare = sum(not any(True for entry in t.entries) for t in town.desk.tickets.values())
    if spare:
        yield f"twice: {spare} tickets without a message"


def _in_order(town: "Town") -> Iterator[str]:
    """A message acknowledged before another was first sent to us stands before it; answers come in the desk's order."""
    for thread in range(town.plan.threads):
        place: dict[str, int] = {}
        for number, text in enumerate(_ours(town, thread)):
            for token in _now(text):
                place.setdefault(token, number)
        said = [one for one in town.ledger.said if one.thread == thread]
        where = {one.token: next((place[form] for form in _forms(one) if form in place), None) for one in said}
        for before in said:
            for after in said:
                ahead, behind = where[before.token], where[after.token]
                if (
                    before.acked is not None
                    and before.ts < after.ts
                    and before.acked < after.first_sent
                    and ahead is not None
                    and behind is not None
                    and ahead > behind
                ):
                    yield f"out of order: {after.token} stands before {before.token}"
        wrote = [answer.token for answer in town.ledger.answered if answer.thread == thread and not answer.internal]
        shown = [token for token in dict.fromkeys(_shown(town, thread)) if token in wrote]
        if shown != [token for token in wrote if token in shown]:
            yield f"out of order: the answers in thread {thread}"


def _nothing_leaks(town: "Town") -> Iterator[str]:
    """An agent's internal note is never in Slack."""
    for answer in town.ledger.answered:
        if answer.internal and answer.token in _shown(town, answer.thread):
            yield f"leaked: the internal note {answer.token}"


def _parked_is_told(town: "Town") -> Iterator[str]:
    """Whatever is set aside, somebody was told of with the means to decide; and only what the desk refuses is."""
    told = {one.parked for one in town.slack.told}
    poisoned = {f"msg:T1:C1:{said.ts}" for said in town.ledger.said if said.poison}
    for field, _ in _hashes(town, "parked"):
        if field not in told:
            yield f"untold: {field} is parked and nobody knows"
        if field.partition("|")[2] not in poisoned:
            yield f"parked without need: {field}"


def seen_by_a_person(town: "Town", parked: Parked) -> Decision:
    """What somebody at the desk says to the question whether it is there."""
    work: dict[str, Any] = json.loads(parked.payload)["work"]
    thread = town.ledger.roots.index(parked.lane.rpartition(":")[2])
    texts = _ours(town, thread)
    if work["kind"] == "change_ticket":
        return Decision.AGAIN  # doing it twice is the same as doing it once
    ts = work.get("ts")
    said = next(one for one in town.ledger.said if one.ts == ts)
    if work["kind"] == "add_message":
        there = any(set(_now(text)) & set(_forms(said)) for text in texts)
    else:
        asked = work.get("message" if work["kind"] == "edit_message" else "previous")
        asked = asked or town.slack.threads[town.ledger.roots[thread]].messages.get(str(ts))  # a sweep saw it there
        if asked is None:
            return Decision.AGAIN  # it is gone, and nothing will be done
        token = _TOKEN.findall(asked["text"])[0]
        what = "edited" if work["kind"] == "edit_message" else "deleted"
        there = any(
            f"{what} their" in text and _TOKEN.findall(text)[0] == token for text in texts if _TOKEN.search(text)
        )
    return Decision.THERE if there else Decision.AGAIN
