"""The demo company: a bicycle maker whose office has trouble with a printer."""

import binascii
import struct
import zlib
from typing import Any

from bot.sandbox.slack.files import new_file, share_file
from bot.sandbox.slack.state import Message, State, fixed_id
from bot.sandbox.slack.typed import typed
from bot.sandbox.slack.workspace import Workspace

_PEOPLE: tuple[dict[str, Any], ...] = (
    {"name": "eva", "real_name": "Eva Lindqvist", "title": "Accounts", "colour": "9f69e7", "locale": "sv-SE"},
    {"name": "ben", "real_name": "Ben Okafor", "title": "IT support", "colour": "4bbe2e"},
    {"name": "mira", "real_name": "Mira Castellano", "title": "Head of IT", "colour": "e7392d", "locale": "it-IT"},
    {"name": "tom", "real_name": "Tom Whitaker", "title": "Warehouse", "colour": "3c989f"},
    {"name": "gus", "real_name": "Gus Berger", "title": "Contractor", "colour": "d58247", "guest": True},
    {"name": "ines", "real_name": "Ines Duarte", "title": "Vela Logistics", "colour": "684b6c", "stranger": True},
)

_THREAD: tuple[tuple[str, str], ...] = (
    ("eva", "The *label printer* in dispatch prints every label twice since this morning :printer:"),
    ("ben", "Which one? There are two:\n- ZD421 by the door\n- ZD621 on the mezzanine"),
    ("eva", "The one by the door. The display says\n> Media out, buffer 2 of 2\nand this is what comes out"),
    ("tom", "Same here. Log of the last job:\n```\n09:14:02 job 8812 sent\n09:14:03 job 8812 sent\n```"),
    ("mira", "@ben can you look at `spooler.conf`? See https://wiki.kestrel.example/printing and ask in #random"),
)


def company(workspace: Workspace) -> Workspace:
    """Fill *workspace* with people, channels and what they have said so far."""
    for person in _PEOPLE:
        domain = "vela.example" if person.get("stranger") else "kestrel.example"
        workspace.add_person(**{"email": f"{person['name']}@{domain}", **person})
    ids = {person["name"]: fixed_id("U", person["name"]) for person in _PEOPLE}
    staff = [ids[name] for name in ("eva", "ben", "mira", "tom")]
    group = {"id": fixed_id("S", "it-support"), "handle": "it-support", "name": "IT support"}
    workspace.state.groups[group["id"]] = {**group, "users": [ids["ben"], ids["mira"]]}
    general = workspace.add_channel("general", [*staff, ids["gus"]])
    general.topic = "Company news"
    help_desk = workspace.add_channel("it-help", [*staff, ids["gus"], ids["ines"]])
    help_desk.topic = "Something broken? Say so here"
    chatter = workspace.add_channel("random", staff, bot=False)
    workspace.add_channel("it-private", [ids["ben"], ids["mira"]], private=True, bot=False)
    state = workspace.state
    began = int(state.clock()) - 5400
    _say(workspace, general.id, ids["mira"], "Good morning! The new badges are ready.", at=began - 600)
    _say(workspace, chatter.id, ids["tom"], "Lunch at the river today?", at=began - 300)
    root = ""
    for number, (name, text) in enumerate(_THREAD):
        said = _say(workspace, help_desk.id, ids[name], text, at=began + 240 * number, root=root)
        root = root or said["ts"]
        if number == 2:
            _attach(state, help_desk.id, said)
    ask = "Could somebody tell us when the parcel portal is back? Orders from Vela are waiting."
    _say(workspace, help_desk.id, ids["ines"], ask, at=began + 3000)
    return workspace


def _say(workspace: Workspace, channel: str, user: str, text: str, *, at: int, root: str = "") -> Message:
    """A message of the past, of which nobody tells the app."""
    block, mrkdwn = typed(text, workspace.find_name)
    person = workspace.people[user]
    # Fractions of a second, as real timestamps have them: whole seconds would hide bugs.
    message: Message = {
        "type": "message",
        "user": user,
        "ts": f"{at}.{100119 + 7 * len(text):06d}",
        "team": person.team_id,
        "text": mrkdwn,
        "blocks": [{**block, "block_id": f"b{len(text)}"}],
    }
    if root:
        message["thread_ts"] = root
    if person.stranger:
        message |= {"user_team": person.team_id, "source_team": person.team_id}
    return workspace.state.add_message(channel, message)


def _attach(state: State, channel: str, message: Message) -> None:
    kept = new_file(state, message["user"], "labels.png", _picture(), media_type="image/png")
    share_file(state, kept.info["id"], state.channels[channel], message)
    message |= {"subtype": "file_share", "upload": False, "files": [kept.info]}


def _picture() -> bytes:
    """A small PNG of two labels, one like the other."""
    width, height = 120, 60
    rows = b""
    for y in range(height):
        row = bytes(
            0x40 if (x % 60) in {6, 53} or y in {8, 51} else 0xB0 if (y // 6) % 2 and 14 < x % 60 < 46 else 0xF4
            for x in range(width)
        )
        rows += b"\0" + row
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in (*chunks, (b"IEND", b"")))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", binascii.crc32(name + data))
