"""A long Slack thread with files, packed as the bot packs it, is at Keliweb whole, in one call for each part."""

import hashlib
from datetime import UTC, datetime, timedelta

from adapters.model import MessageDraft
from bot.conversion import compose
from bot.conversion.ports import Author, SlackFile, ThreadMessage
from bot.conversion.text.tree import Document, Paragraph, Run
from bot.sandbox.desks.keliweb import KeliwebStandIn
from tests.adapters.conformance_wire import entered
from tests.adapters.drafts import ADA, Pair, file_at

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
FILES = {f"F{number}": bytes([number]) * 700_000 for number in range(3)}


def said(number: int) -> ThreadMessage:
    """One message of the thread; each fortieth carries a file."""
    files = (SlackFile(id=f"F{number // 40}", name=f"log {number}.txt", size=700_000),) if number % 40 == 0 else ()
    text = f"Message {number:03}: " + "the printer says \N{PRINTER} & <jam> again. " * 12
    return ThreadMessage(
        ts=f"{1767603600 + number}.000100",
        author=Author(id=f"U{number % 4}", name=f"Person {number % 4}"),
        at=START + timedelta(minutes=number),
        document=Document((Paragraph((Run(text.strip()),)),)),
        files=files,
    )


async def test_a_thread_of_120_messages_with_three_files_is_there_whole(tmp_path):
    stand_in, thread = KeliwebStandIn(), [said(number) for number in range(120)]
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        done = compose.of_thread(thread, limits=desk.limits, capabilities=desk.capabilities)
        drafts = [
            MessageDraft(
                body=part.body,
                author=ADA,
                marker=f"TL-PART{number}",
                files=tuple(file_at(tmp_path, file.name, FILES[file.id]) for file in part.files),
            )
            for number, part in enumerate(done.parts)
        ]
        ticket = await Pair(desk, stand_in).open(first=drafts[0])
        for draft in drafts[1:]:
            await desk.add_message(ticket, draft)
        read = await desk.messages(ticket)

    seen = (await stand_in.ticket(ticket.id)).messages
    text = "\n".join(message.text for message in seen)
    assert () == done.left_out
    assert [number for number in range(120) if text.count(f"Message {number:03}: ") == 1] == list(range(120))
    assert sorted(hashlib.sha256(data).hexdigest() for data in FILES.values()) == sorted(
        file.sha256 for message in seen for file in message.files
    )
    assert text == "\n".join(message.body.plain for message in read)
    calls = [call.action for call in stand_in.calls]
    assert ["OpenTicket", *["AddTicketReply"] * (len(drafts) - 1), "GetTicket"] == calls
    assert (["password"], []) == (stand_in.tokens.grants, stand_in.violations)
