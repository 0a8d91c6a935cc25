"""The next release, as it may be: it writes what this one does not know, and knows both.

What Slack delivers and what people say is of version 2 there, which this release must leave in its place for the other;
links have a field more, which this release must keep.
"""

from bot.conversion import ops, records, stored
from bot.conversion.records import AddMessage, Link, Operation, SlackEvent
from tests.crash.tuning import put

NEXT = stored.VERSION + 1
FIELD = "since_version"
"""What the next release adds to a link."""


def next_release() -> None:
    """Be that release from now on."""
    encode, link = records.encode, Link.__init__

    def newer(operation: Operation) -> str:
        said = isinstance(operation.work, AddMessage | SlackEvent)
        return encode(operation.model_copy(update={"v": NEXT}) if said else operation)

    def marked(self: Link, **fields: object) -> None:
        link(self, **{FIELD: NEXT, **fields})

    put(stored, "VERSION", NEXT)
    put(ops, "encode", newer)
    put(records, "_AROUND_EVENT", newer(Operation(work=SlackEvent(body={}))).split("{}", 1))
    put(Link, "__init__", marked)
