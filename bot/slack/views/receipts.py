"""The line in a thread that says in words how far its messages got, for workspaces that want no reactions."""

from datetime import UTC, datetime

from bot.conversion.records import Link
from bot.slack.views.elements import Json, Said, spoken
from bot.words import N_, _

_EXCEPTIONS = 20
_WORDS = {
    "waiting": N_("{time}: this message waits for the helpdesk, and will be sent."),
    "failed": N_("{time}: this message was not delivered; who wrote it was told why, and can act."),
}


def receipts(link: Link) -> Said:
    """What is on the ticket, and which messages are not."""
    arrived = [ts for ts, state in link.receipts.items() if state == "delivered"]
    missing = [(ts, state) for ts, state in link.receipts.items() if state in _WORDS]
    blocks = []
    if arrived and missing:
        blocks.append(_line(_("On ticket {number}: all messages up to {time}, except:"), max(arrived), link))
    elif arrived:
        blocks.append(_line(_("On ticket {number}: all messages up to {time}."), max(arrived), link))
    blocks += [_line(_(_WORDS[state]), ts, link) for ts, state in sorted(missing)[-_EXCEPTIONS:]]
    return blocks, spoken(blocks)


def _line(sentence: str, ts: str, link: Link) -> Json:
    """A sentence in which ``{time}`` is shown to each reader in their own time zone."""
    before, _time, after = sentence.partition("{time}")
    seconds = int(float(ts))
    said = f"{datetime.fromtimestamp(seconds, UTC):%H:%M} UTC"
    parts: list[Json] = [{"type": "date", "timestamp": seconds, "format": "{time}", "fallback": said}]
    if text := before.replace("{number}", link.number):
        parts.insert(0, {"type": "text", "text": text})
    if text := after.replace("{number}", link.number):
        parts.append({"type": "text", "text": text})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}
