"""Turns a thread into what a desk can carry: parts of text with their files, and the list of what cannot go. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

from adapters.contract import Capability, Limits
from adapters.model import Body
from bot.conversion.marks import for_agents
from bot.conversion.ports import SlackFile, ThreadMessage
from bot.conversion.text.clean import parts as text_parts
from bot.conversion.text.inlines import link
from bot.conversion.text.plain import from_plain, to_plain
from bot.conversion.text.smaller import smaller
from bot.conversion.text.tree import Block, Document, Paragraph, Rule, Run, Style, paragraph
from bot.conversion.text.write_html import to_html
from bot.conversion.text.write_markdown import to_markdown
from bot.words import _, decimal

BOLD = Style(bold=True)
ITALIC = Style(italic=True)
FOOTER = 200
"""Characters kept free in each part for our marker's line and the markup around it."""

BETWEEN = 16
"""Characters that may stand between two messages of a part: line breaks, or a list's end in Markdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one message at the desk carries: a text, files, and which Slack messages (or what of them) are in it.

    ``internal``: who wrote it marked it as a note, so it must not be public, whatever the thread's other messages are.
    ``number``: among the parts of its conversion; empty: as they stand. ``goes_on``: the messages of which an earlier
    part may have been sent by an earlier try, and this is the rest.
    ``more``: it says more than those messages, such as a form's description.
    """

    document: Document
    files: tuple[SlackFile, ...] = ()
    messages: tuple[str, ...] = ()
    internal: bool = False
    number: str = ""
    goes_on: tuple[str, ...] = ()
    more: bool = False

    @property
    def body(self) -> Body:
        """The text in every rendering that a desk may want."""
        return render(self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What goes to the desk, in order, and what does not, in words for people."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()


@lru_cache(maxsize=8)  # a message is rendered to see how long it is, and again to be sent
def render(document: Document) -> Body:
    """*document* in every rendering that a desk may want."""
    return Body(plain=to_plain(document), markdown=to_markdown(document), html=to_html(document))


def imported(messages: Iterable[ThreadMessage], chosen: Collection[str]) -> tuple[ThreadMessage, ...]:
    """Those of a thread that a ticket is made of: a wish only for what it carries, or where it was *chosen* itself."""
    return tuple(one for one in messages if not one.wish or one.carries or one.ts in chosen)


def of_thread(
    messages: Sequence[ThreadMessage],
    *,
    limits: Limits,
    capabilities: frozenset[Capability],
    description: Document = Document(),  # noqa: B008 - immutable
    extra_files: Sequence[SlackFile] = (),
    packed: Sequence[Sequence[str]] = (),
) -> Conversion:
    """A ticket's text: the description, then each message with its author, time, formatting and files.

    Messages are packed into as few parts as the desk's limits allow, for a call each; none is cut in two unless it
    alone is larger than a part may be, and then no other is in its parts. Those marked as notes come last, in parts of
    their own. There is at least one part; it is empty where nothing is to be said.

    Args:
        messages: as they read now.
        limits: of the desk.
        capabilities: of the desk.
        description: what stands first.
        extra_files: that go with the description.
        packed: the timestamps in each part as an earlier try made them. Whatever was edited or deleted since, each
            message stays in its part; what does not fit any more goes on in further parts, ``3.1`` behind ``3``.
    """
    parts: list[Part] = []
    left_out: list[str] = []
    for first, size, group in _groups(messages, packed):
        start, files = (description, extra_files) if first == 0 else (Document(), ())
        made = _packed(group, limits=limits, capabilities=capabilities, description=start, extra_files=files)
        all_notes = first == 0 and all(part.internal for part in made.parts)
        some = (Part(document=_instead(messages)), *made.parts) if all_notes else made.parts
        begun = tuple(message.ts for message in group) if size else ()
        for place, part in enumerate(some):
            further = f"{first + size - 1}.{place - size + 1}" if size and place >= size else ""
            parts.append(replace(part, number=further or str(first + place), goes_on=begun if place else ()))
        left_out += made.left_out
    return Conversion(parts=tuple(parts), left_out=tuple(left_out))


def _instead(messages: Sequence[ThreadMessage]) -> Document:
    """What stands first, for all to read, where nothing else does; empty where that needs no words."""
    words = _("All messages of this thread are marked as notes.")
    return from_plain(words) if messages and all(for_agents(message) for message in messages) else Document()


def _groups(
    messages: Sequence[ThreadMessage], packed: Sequence[Sequence[str]]
) -> Iterator[tuple[int, int, Sequence[ThreadMessage]]]:
    """What is packed apart from the rest: the first number, how many numbers (0: any) and the messages of each.

    A message that was cut has several parts in a row. What was in none yet comes last.
    """
    first = 0
    for stamps, same in groupby(packed):
        size = len(list(same))
        yield first, size, [message for message in messages if message.ts in stamps]
        first += size
    known = {ts for stamps in packed for ts in stamps}
    rest = [message for message in messages if message.ts not in known]
    if rest or not packed:
        yield first, 0, rest


def _packed(
    messages: Sequence[ThreadMessage],
    *,
    limits: Limits,
    capabilities: frozenset[Capability],
    description: Document,
    extra_files: Sequence[SlackFile],
) -> Conversion:
    marked = {message.ts for message in messages if for_agents(message)}
    notes = _notes([message for message in messages if message.ts in marked], limits=limits, capabilities=capabilities)
    pack = _Packing(limits=limits, capabilities=capabilities)
    if description or extra_files:
        pack.add(description.blocks, extra_files, "")
    for number, message in enumerate(message for message in messages if message.ts not in marked):
        lead: tuple[Block, ...] = (Rule(),) if description and number == 0 else ()
        pack.add((*lead, *entry(message)), message.files, message.ts)
    packed = pack.finish()
    parts = packed.parts
    if description or extra_files:
        parts = (replace(parts[0], more=True), *parts[1:])
    return Conversion(parts=(*parts, *notes.parts), left_out=(*packed.left_out, *notes.left_out))


def _notes(messages: Sequence[ThreadMessage], *, limits: Limits, capabilities: frozenset[Capability]) -> Conversion:
    """Messages that are marked as notes; a desk that has none does not get them at all."""
    if Capability.NOTE not in capabilities:
        said = [
            _(
                "A message by {name} of {at:%H:%M} UTC is marked as a note, and this helpdesk has no internal notes.",
                name=message.author.name,
                at=message.at,
            )
            for message in messages
        ]
        return Conversion(parts=(), left_out=tuple(said))
    pack = _Packing(limits=limits, capabilities=capabilities)
    for message in messages:
        pack.add(entry(message), message.files, message.ts)
    return _internal(pack.finish())


def _internal(packed: Conversion) -> Conversion:
    return replace(packed, parts=tuple(replace(part, internal=True) for part in packed.parts))


def of_message(message: ThreadMessage, *, limits: Limits, capabilities: frozenset[Capability]) -> Conversion:
    """One Slack message as a message at the desk.

    The author's name stands in the text only where the desk cannot carry it as the message's author.
    """
    pack = _Packing(limits=limits, capabilities=capabilities)
    pack.add(_signed(message, capabilities), message.files, message.ts)
    packed = pack.finish()
    return _internal(packed) if for_agents(message) else packed


def of_edit(
    now: ThreadMessage,
    old: Sequence[Block],
    *,
    limits: Limits,
    capabilities: frozenset[Capability],
    opening: bool,
) -> Document | None:
    """What takes the place of an edited message at the desk: how it reads *now*, with what it said before below.

    None where that is more than one message there. *opening*: it is its ticket's first, where it stands as in a thread.
    """
    pack = _Packing(limits=limits, capabilities=capabilities)
    pack.add(entry(now) if opening else _signed(now, capabilities), now.files, now.ts)
    pack.add(old, (), "")
    parts = pack.finish().parts
    return parts[0].document if len(parts) == 1 else None


def of_words(blocks: Sequence[Block], old: Sequence[Block], *, limits: Limits) -> tuple[Document, ...]:
    """*blocks* in as few messages at the desk as they need, with *old* below them where one is enough for both."""
    documents = _in_parts((*blocks, *old), limits)
    return documents if len(documents) == 1 else _in_parts(blocks, limits)


def _in_parts(blocks: Sequence[Block], limits: Limits) -> tuple[Document, ...]:
    pack = _Packing(limits=limits, capabilities=frozenset())
    pack.add(blocks, (), "")
    return tuple(part.document for part in pack.finish().parts)


def _signed(message: ThreadMessage, capabilities: frozenset[Capability]) -> tuple[Block, ...]:
    return message.document.blocks if Capability.AUTHOR in capabilities else entry(message)


def entry(message: ThreadMessage) -> tuple[Block, ...]:
    """A message as it stands in a ticket among others: who and when, then what."""
    when = f", {message.at:%Y-%m-%d %H:%M} UTC"
    if message.edited:
        when += _(", edited")
    return (Paragraph((Run(message.author.name, BOLD), Run(when))), *message.document.blocks)


def kept_back(file: SlackFile, why: str) -> str:
    """What people are told of a file that does not go to the ticket: which, why, and where it is."""
    told = f"{file.name}: {why}"
    if not file.permalink:
        return told
    if file.outside:
        return _("{told} It is here: {address}", told=told, address=file.permalink)
    return _("{told} It stays in Slack: {address}", told=told, address=file.permalink)


@dataclass
class _Packing:
    """Fills parts up to the desk's limits."""

    limits: Limits
    capabilities: frozenset[Capability]
    parts: list[Part] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    # the present part, and how many characters it has
    blocks: list[Block] = field(default_factory=list)
    files: list[SlackFile] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    used: int = 0

    def add(self, blocks: Sequence[Block], files: Iterable[SlackFile], ts: str) -> None:
        """Put a message into the present part, or into a new one where it does not fit; if need be, into several."""
        carried = tuple(file for file in files if self._carry(file))
        refused = [file for file in files if file not in carried]
        pieces = self._pieces((*blocks, *_names(carried, refused)))
        if not (self._holds(self.used + sum(length for _piece, length in pieces)) and self._has_room(carried)):
            self._close()
        stamp = [ts] if ts else []
        whole = len(self.parts)
        self.messages += stamp
        for piece, length in pieces:
            if self.blocks and not self._holds(self.used + length):
                self._close(stamp)
            self.blocks += piece
            self.used += length
        for file in carried:
            if not self._has_room([file]):
                self._close(stamp)
            self.files.append(file)
        if len(self.parts) > whole:  # no other is in its parts, so that an edit of it moves nothing but itself
            self._close()

    def finish(self) -> Conversion:
        """All parts."""
        self._close()
        return Conversion(parts=tuple(self.parts), left_out=tuple(self.left_out))

    def _close(self, goes_on: Sequence[str] = ()) -> None:
        if self.blocks or self.files or self.messages:
            document = Document(tuple(self.blocks))
            self.parts.append(Part(document=document, files=tuple(self.files), messages=tuple(self.messages)))
        self.blocks, self.files, self.messages, self.used = [], [], [*goes_on], 0

    def _length(self, blocks: Sequence[Block]) -> int:
        """Characters of *blocks* in their longest rendering, with what stands between them and their neighbours."""
        if self.limits.body is None:
            return 0
        body = render(Document(tuple(blocks)))
        return max(len(body.plain), len(body.markdown or ""), len(body.html or "")) + BETWEEN

    def _holds(self, length: int) -> bool:
        """Whether a part may have so many characters."""
        return self.limits.body is None or length + FOOTER <= self.limits.body

    def _pieces(self, blocks: Sequence[Block]) -> list[tuple[Sequence[Block], int]]:
        """*blocks* whole if they fit into a part of their own, else cut so that each piece does; with their lengths."""
        length = self._length(blocks)
        if self._holds(length):
            return [(blocks, length)]
        return [((small,), self._length((small,))) for block in blocks for small in self._smaller(block)]

    def _fits(self, block: Block) -> bool:
        return self._holds(self._length((block,)))

    def _smaller(self, block: Block) -> Iterator[Block]:
        most = max(1, ((self.limits.body or 0) - 2 * FOOTER) // 6)  # no rendering makes a character longer than six
        for part in smaller(block, self._fits, most):
            if self._fits(part):
                yield part
            else:
                yield from map(paragraph, text_parts(to_plain(Document((part,))), most))

    def _carry(self, file: SlackFile) -> bool:
        """Whether the desk can have this file; if not, why is noted."""
        most = self.limits.file
        overhead = self.limits.file_overhead
        whole = self.limits.request
        if file.trouble:
            why = file.trouble
        elif Capability.FILES not in self.capabilities:
            why = _("this helpdesk takes no files through its API.")
        elif most is not None and file.size > most:
            why = _("it has {size} and the helpdesk takes {most}.", size=_size(file.size), most=_size(most))
        elif whole is not None and file.size * overhead + _REQUEST_REST > whole:
            room = int((whole - _REQUEST_REST) / overhead)
            why = _("it has {size} and the helpdesk takes about {most}.", size=_size(file.size), most=_size(room))
        else:
            return True
        self.left_out.append(kept_back(file, why))
        return False

    def _has_room(self, files: Sequence[SlackFile]) -> bool:
        if self.limits.files is not None and len(self.files) + len(files) > self.limits.files:
            return False
        if self.limits.request is None:
            return True
        sizes = sum(file.size for file in (*self.files, *files))
        return sizes * self.limits.file_overhead + _REQUEST_REST <= self.limits.request


_REQUEST_REST = 200_000
"""Bytes of a request kept free for everything that is not a file."""


def _names(carried: Sequence[SlackFile], refused: Sequence[SlackFile]) -> tuple[Block, ...]:
    """Lines that name a message's files; those that do not go with it each with a link."""
    lines: list[Block] = []
    if carried:
        names = ", ".join(file.name for file in carried)
        lines.append(Paragraph((Run(_("Files: {names}", names=names), ITALIC),)))
    return (*lines, *map(not_attached, refused))


def not_attached(file: SlackFile) -> Block:
    """The line in a ticket that says which file is not on it, and where it is."""
    in_slack = file.permalink and not file.outside
    words = _("Not attached, still in Slack: ") if in_slack else _("Not attached: ")
    return Paragraph((Run(words, ITALIC), link(file.permalink, file.name)))


def _size(count: int) -> str:
    return f"{decimal(f'{max(count, 1000) / 1_000_000:.3f}')} MB"
