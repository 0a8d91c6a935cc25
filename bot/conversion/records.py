"""What is written down: links between threads and tickets, and the work that waits in lanes. Each record has a version.

Only this module knows the stored form; `bot.conversion.stored` says by which rules releases run side by side.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import override

from adapters.model import Act, TicketRef, Visibility
from bot.conversion.stamps import WORDLESS, bringing, microseconds
from bot.conversion.stored import VERSION, KeptRecord, Record, known, tagged


class ThreadKey(Record):
    """Which Slack thread: workspace, channel and the timestamp of its first message."""

    team: str
    channel: str
    ts: str

    @override
    def __str__(self) -> str:
        """The thread's name in lanes, logs and the command line."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @classmethod
    def parse(cls, text: str) -> "ThreadKey":
        """The thread that ``str()`` named. Raises ValueError: *text* is not of that form."""
        team, channel, ts = text.split(":")
        return cls(team=team, channel=channel, ts=ts)

    def bringing(self, ts: str) -> str:
        """The identity of the operation that brings a message of the thread to its ticket, however we heard of it."""
        return bringing(self.team, self.channel, ts)


class Switch(Record):
    """What of a thread goes to its ticket by itself, from a message's timestamp on."""

    since: str = "0"
    mirror: Literal["everything", "marked", "nothing"] = "everything"
    apps: bool = False  # posts of other apps too


class Link(KeptRecord):
    """A thread and its ticket. It never expires; unlinking removes it."""

    thread: ThreadKey
    desk: str
    ticket_id: str
    number: str
    subject: str = ""
    unnamed: bool = False  # no subject is kept: who gave it was forgotten
    url: str = ""
    opened_by: str = ""  # Slack user id
    requester: str = ""  # Slack user id, where the requester is on Slack
    visibility: Visibility = Visibility.PUBLIC  # what a reply in the thread becomes
    card_ts: str = ""  # our card in the thread
    mirror: bool = True  # whether new replies in the thread go to the ticket
    seen: str = ""  # id of the last message of the desk that reached the thread
    mark: str = ""  # the desk's mark of that message, where it has one; of another, where an older release moved on
    status: str = ""  # as last seen, in the desk's word
    state: str = ""  # as last seen, a `Status`
    owner: str = ""  # these three as last seen, in the desk's words
    priority: str = ""
    department: str = ""
    follows: str = ""  # number of the ticket that the thread went with before this one
    behind: dict[str, str] = Field(
        default_factory=dict
    )  # id of a ticket joined later -> mark or id of its last message
    left_out: tuple[str, ...] = ()  # what could not be carried lately, in words for people; the newest is the last
    left_out_before: int = 0  # how much more could not be carried before
    switches: tuple[Switch, ...] = ()  # by time; before the first, and without any, everything that people say goes
    agents: bool = False  # whether this thread is the ticket's in the channel of its agents
    deadline: datetime | None = None  # as last seen, or made by the settings
    first_reply_by: datetime | None = None  # when agents are reminded that nobody has answered
    answered: datetime | None = None  # when an agent first did
    reminded: dict[str, str] = Field(default_factory=dict)  # reminder -> timestamp of our message with it
    receipts: dict[str, str] = Field(default_factory=dict)  # in words: ts -> state, of the last there and all not
    receipts_ts: str = ""  # our post that says so
    read_to: str = ""  # Slack timestamp of the thread's last message when it was read for the ticket; empty: unknown
    created_at: datetime

    def at(self, ts: str) -> Switch:
        """What goes to the ticket of what was said at *ts*: a later switch is not for what was said before it."""
        if not self.mirror:
            return Switch(mirror="nothing")
        said = microseconds(ts)
        held = [switch for switch in self.switches if microseconds(switch.since) <= said]
        return held[-1] if held else Switch()

    @property
    def after(self) -> str:
        """Behind what the desk is asked for messages."""
        return self.mark if self.mark.startswith(f"{self.seen},") else self.seen

    @property
    def now(self) -> Switch:
        """What goes to the ticket of what is said now."""
        return self.switches[-1] if self.mirror and self.switches else self.at("0")

    @property
    def ref(self) -> TicketRef:
        """The ticket's address at its desk."""
        return TicketRef(id=self.ticket_id, number=self.number)


class LinkRef(Record):
    """The link that something was asked for: it goes to no other ticket that its thread is linked to later."""

    desk: str
    ticket_id: str
    since: datetime  # the link's ``created_at``, which a merger or a move keeps

    @classmethod
    def of(cls, link: Link | None) -> "LinkRef | None":
        """What names *link*."""
        return cls(desk=link.desk, ticket_id=link.ticket_id, since=link.created_at) if link else None

    def is_of(self, link: Link) -> bool:
        """Whether *link* is the same: of the same ticket, or of the one with which its thread goes on."""
        return self.since == link.created_at or (self.desk, self.ticket_id) == (link.desk, link.ticket_id)


class Delivered(KeptRecord):
    """One message of ours that is on the ticket, by its Slack timestamp or its marker: where it is there."""

    message_id: str  # the desk's id; empty where the desk does not tell
    alone: bool = True  # False where it shares the desk's message with others, as after an import
    edited: str = ""  # Slack's edited.ts of the version that was sent
    said: str = ""  # fingerprint of the text that was sent; empty where that is not known
    on: str = ""  # id of the ticket that it is on; empty: the one that its thread went with first
    gone: bool = False  # deleted in Slack since, or before it could be sent
    internal: bool = False  # not for all to read there; False, too, where that is not known

    def is_on(self, link: "Link") -> bool:
        """Whether it is on the ticket that its thread goes with now."""
        return self.on == link.ticket_id or not (self.on or link.follows)


class FormFile(Record):
    """A file by its Slack id, as a form or a message names it."""

    id: str
    name: str = ""


class OpenTicket(Record):
    """Open a ticket from a form, from a thread, or from both; then link thread and ticket."""

    kind: Literal["open_ticket"] = "open_ticket"
    desk: str
    actor: str  # Slack user id of who asked
    channel: str  # where the card goes
    thread_ts: str = ""  # empty: the card starts the thread
    from_ts: str = ""  # import from this message on; empty: the whole thread
    chosen: tuple[str, ...] = ()  # import only these messages, where any are named
    asked: str = ""  # when, as Slack writes times: later messages are not imported, whenever that is; empty: all are
    offered: dict[str, Any] | None = None  # the message of the payload, where the thread cannot be read
    subject: str
    description: str = ""
    requester: str = ""  # Slack user id
    requester_email: str = ""  # typed into the form, for people who are not on Slack
    requester_name: str = ""
    department: str = ""
    priority: str = ""
    visibility: Visibility = Visibility.PUBLIC
    notify: bool = True
    fields: dict[str, str] = Field(default_factory=dict)
    options: dict[str, str] = Field(default_factory=dict)
    files: tuple[FormFile, ...] = ()
    step: str = ""  # the execution of a workflow's step that waits for this ticket


class AddMessage(Record):
    """Bring one Slack message, or a text typed into a command, to the ticket of this lane's thread."""

    kind: Literal["add_message"] = "add_message"
    actor: str  # Slack user id of who wrote it (or asked for it, where message is None)
    ts: str = ""  # the message's timestamp; empty for a typed text
    message: dict[str, Any] | None = None  # the Slack message as it came; None: it is read again, or ``text`` was typed
    text: str = ""
    visibility: Visibility | None = None  # None: as the link says
    mirrored: bool = False  # it was simply said in the thread; nobody asked for it
    edited: str = ""
    newer: dict[str, Any] | None = None  # the message after an edit that came when a part was on the ticket already
    newer_edited: str = ""  # which edit that was
    under: LinkRef | None = None  # None: the link that the thread has when this is first tried


class EditMessage(Record):
    """Tell the ticket that a Slack message was edited; the old text stays readable there."""

    kind: Literal["edit_message"] = "edit_message"
    actor: str
    ts: str
    message: dict[str, Any] | None = None  # as it is now; None: it is read again
    previous: dict[str, Any] | None = None  # as it was, where Slack told
    edited: str
    under: LinkRef | None = None  # as in `AddMessage`


class DeleteMessage(Record):
    """Tell the ticket that a Slack message was deleted."""

    kind: Literal["delete_message"] = "delete_message"
    actor: str
    ts: str
    previous: dict[str, Any] | None = None
    under: LinkRef | None = None  # as in `AddMessage`


class SweepThread(Record):
    """Look in Slack for what never came of a thread."""

    kind: Literal["sweep_thread"] = "sweep_thread"
    thread: ThreadKey


class PullTicket(Record):
    """Bring to a thread what is new on its ticket; *repeat*: again and again, until the thread is unlinked."""

    kind: Literal["pull_ticket"] = "pull_ticket"
    thread: ThreadKey
    repeat: bool = False


class PollDesk(Record):
    """Ask a desk which tickets changed, again and again."""

    kind: Literal["poll_desk"] = "poll_desk"
    desk: str
    cursor: str = ""


class TellAgents(Record):
    """Show the ticket of a thread in the channel of its agents, once for each ticket; *timed*: they have to answer."""

    kind: Literal["tell_agents"] = "tell_agents"
    thread: ThreadKey
    department: str = ""  # the desk's id for it, where it was asked for
    timed: bool = True


class Remind(Record):
    """Remind the agents of a ticket when its time comes; *thread* is the one in their channel."""

    kind: Literal["remind"] = "remind"
    thread: ThreadKey


class FinishStep(Record):
    """Tell a workflow's step how it ended: with the ticket of *thread*, or with an error."""

    kind: Literal["finish_step"] = "finish_step"
    step: str
    thread: ThreadKey | None = None
    error: str = ""


class ChangeTicket(Record):
    """Change one thing about the ticket of this lane's thread."""

    kind: Literal["change_ticket"] = "change_ticket"
    actor: str
    act: Act
    value: str = ""
    under: LinkRef | None = None  # as in `AddMessage`


class LinkTicket(Record):
    """Link this lane's thread to a ticket that is already at the desk."""

    kind: Literal["link_ticket"] = "link_ticket"
    actor: str
    desk: str
    number: str
    channel: str
    thread_ts: str


class MoveTicket(Record):
    """Have this lane's thread go on at another desk, with all that was said."""

    kind: Literal["move_ticket"] = "move_ticket"
    actor: str
    desk: str  # where to
    under: LinkRef | None = None  # as in `AddMessage`


class LeaveTicket(Record):
    """Say on a ticket that its thread goes on elsewhere, and close it."""

    kind: Literal["leave_ticket"] = "leave_ticket"
    actor: str
    desk: str
    ticket_id: str
    number: str
    follower: str  # number and desk of the ticket that goes on, for people


class ShowCard(Record):
    """Bring the card of a thread up to date. Many wishes are one."""

    kind: Literal["show_card"] = "show_card"
    thread: ThreadKey
    note: str = ""  # trouble that the thread should know of; empty when all is well
    paced: bool = False  # of an older release, which may have stored it


class Receipt(Record):
    """Show on a message how far it got."""

    kind: Literal["receipt"] = "receipt"
    channel: str
    ts: str
    state: Literal["waiting", "delivered", "failed"]
    again: bool = False  # another state was shown on it before


class Tell(Record):
    """Say something to one person, in the thread where they can see it or in a direct message."""

    kind: Literal["tell"] = "tell"
    user: str
    channel: str = ""
    thread_ts: str = ""
    text: str
    parked: str = ""  # "lane|operation" that waits for this person's decision
    asks: bool = False  # the decision is the answer to "is it there?"


class Say(Record):
    """Say something for everybody in a thread; with *parked*, how a reply to a closed ticket goes on is asked."""

    kind: Literal["say"] = "say"
    thread: ThreadKey
    text: str
    parked: str = ""  # "lane|operation" that waits for the choice
    actor: str = ""  # Slack user id of who hears it where it cannot be said in the thread


class SlackEvent(Record):
    """An event as Slack sent it, stored before it was acknowledged."""

    kind: Literal["slack_event"] = "slack_event"
    body: dict[str, Any]


Asked = OpenTicket | AddMessage | EditMessage | DeleteMessage | ChangeTicket | LinkTicket | MoveTicket | LeaveTicket
Looks = SweepThread | PullTicket | PollDesk | Remind
Shows = ShowCard | Receipt | Tell | Say | TellAgents | FinishStep
Work = Annotated[Asked | Looks | Shows | SlackEvent, Field(discriminator="kind")]


CLOSED = "closed"
"""What `Progress.asked` says where a reply waits because its ticket is closed; else it names a step."""


class Progress(BaseModel):
    """How far an operation has come. It is written before and after each change that a person could see.

    What a newer Threadline added is kept as it is, so it must be right to ignore it; else the operation gets a version.
    """

    model_config = ConfigDict(extra="allow")

    calling: str = ""  # the step whose call may have happened
    since: float = 0.0  # when that call ended or will have ended at the latest, seconds since the epoch
    attempts: int = 0  # failures of the current step since it last went well
    crashes: int = 0  # times that a worker died with this operation in hand
    rested: bool = True  # False while a worker has it in hand
    first_failed: float = 0.0  # when the present trouble began; 0 while all is well
    last_failed: float = 0.0  # when it failed last; 0 while all is well
    alone: int = 0  # failures before which its desk had taken another operation like it since the failure before
    done: dict[str, str] = Field(default_factory=dict)  # step -> what it gave
    left_out: dict[str, list[str]] = Field(default_factory=dict)  # step -> what of its files was left out, in words
    plan: list[list[str]] = Field(default_factory=list)  # one list: a conversion's timestamps, fixed when it began
    packed: list[list[str]] = Field(default_factory=list)  # those in each of its parts, fixed before one was sent
    read_to: str = ""  # the timestamp of the thread's last message then
    said: dict[str, str] = Field(default_factory=dict)  # Slack ts -> fingerprint of its text as the last call sent it
    asked: str = ""  # the question that a person must answer before this goes on
    questions: int = 0  # times that it was asked how this goes on, its ticket being closed
    parted: int | None = None  # how often its thread had been parted from a ticket when this was stored without a link
    waited: bool = False  # it stood in its lane when the server that it is verified after began
    verify: float = 0.0  # since when any step may have been made without being written down; 0: none
    missed: float = 0.0  # the ``verify`` of which a look has found that nothing was made since
    shown: bool = False  # whether people saw on the message that it waits or failed
    announced: bool = False  # whether people were told of the present trouble
    tries: dict[str, int] = Field(default_factory=dict)  # file -> times that it could not be had
    answer: str = ""  # from a person: "again" (it is not there, do it), "there" (it is, go on), "reopen" or "new"

    @property
    def begun(self) -> bool:
        """Whether any of what was written may be at its desk already."""
        steps = (self.calling, *self.done)
        return any(step and not step.startswith(WORDLESS) for step in steps) or self.verify != self.missed

    @property
    def tried(self) -> bool:
        """Whether an earlier try came to a change, as far as is written down."""
        return bool(self.calling or self.done)


class Operation(BaseModel):
    """One piece of work in a lane, with its progress."""

    model_config = ConfigDict(extra="forbid")

    v: int = VERSION
    work: Work
    progress: Progress = Field(default_factory=Progress)
    why: str = ""  # set when it is parked: the words that the person was told


_operations: TypeAdapter[Operation] = TypeAdapter(Operation)


def encode(operation: Operation) -> str:
    """The stored form of *operation*."""
    work = tagged(f'"kind":"{operation.work.kind}"', operation.work, "kind")
    return tagged(f'"v":{operation.v},"work":{work}', operation, "v", "work")


def decode(stored: str) -> Operation:
    """The operation in *stored*. Raises UnknownVersion: it was written by a newer Threadline."""
    return known(lambda: _operations.validate_json(stored))


def stored_form(record: Link | Delivered) -> str:
    """The stored form of a link, or of where a message is."""
    return tagged(f'"v":{record.v}', record, "v")


@lru_cache(maxsize=512)  # each operation of a thread brings its link along
def link_from(stored: str) -> Link:
    """The link in *stored*. Raises UnknownVersion: it was written by a newer Threadline."""
    return known(lambda: Link.model_validate_json(stored))


def delivered_from(stored: str) -> Delivered:
    """Where a message is, from *stored*. Raises UnknownVersion: it was written by a newer Threadline."""
    return known(lambda: Delivered.model_validate_json(stored))
