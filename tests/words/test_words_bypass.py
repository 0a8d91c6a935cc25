"""No text that people read goes past the catalogue: each sentence in the rooms that speak to them is looked up."""

import ast
import re
from pathlib import Path

import pytest

from tests.words.catalogue import gathered

ROOT = Path(__file__).parents[2]
NOT_FOR_PEOPLE = {"bot/slack/body.py", "bot/slack/front.py", "bot/slack/manifest.py", "bot/slack/web.py"}
"""They speak with Slack's servers and with the operator; what `front` says to a person is looked up all the same."""
SPEAKING = {
    str(path.relative_to(ROOT)): path.read_text()
    for room in ("slack", "conversion")
    for path in sorted((ROOT / "bot" / room).rglob("*.py"))
    if str(path.relative_to(ROOT)) not in NOT_FOR_PEOPLE
}
LOOKED_UP = {"_", "N_", "ngettext", "pgettext"}
UNSEEN = {
    "log",
    "_log",
    "compile",
    "once",
    "ValueError",
    "TypeError",
    "RuntimeError",
    "KeyError",
    "UnknownVersion",
    "ContextVar",
}
"""What is called with words that nobody reads in Slack: logs, patterns, names of steps, programmers' errors."""
SHOWN = {"section", "context", "header", "button", "confirm", "plain", "entry", "notice", "notice_modal", "Choice"}
SHOWN |= {"Refused", "_text", "_modal"}
"""What shows even a single word."""
SHOWING = {"label", "hint", "text", "title", "words", "heading"}
PHRASE = re.compile(r"[^\W\d_]{2,}[,;:.“”]*\s+[“”]?[^\W\d_]+|[^\W\d_]{2,}[,;:.]*\s\0|\0\s+[^\W\d_]{2,}")
"""Two words in a row, or a word beside a value (which stands as NUL)."""
BARE = {
    "Threadline",  # a name
    "Grace Hopper <grace@example.com>",  # an example of what can be typed
    "not linked",  # bot.conversion.ports: a state, never shown
    "not stored",  # bot.slack.batch: what Slack's servers are told
    "card in direct messages",  # bot.conversion.tickets: the name of a step
    "Put it back into the settings.",  # as adapters' errors
    "the settings have no desk of this name.",
    "give its files",
    "a record of a newer version is left alone",  # of a log
    "first reply",  # names of reminders, in records
    "soon \0",
    "over \0",
    "note: internal",  # a mark
    "Bearer \0",  # of a request
    "message \0",  # the name of a step
    "file \0",  # the same
    "file \0:",  # what those of a message begin with
    "post \0 ",
    "post file:\0:",
    "post file:",
    "\0 UTC",  # times and sizes are written so everywhere
    ", \0 UTC",
    "\0 MB",
}


def called_name(call):
    """What a call calls; of a method of a thing called log, ``log``."""
    called = call.func
    if isinstance(called, ast.Attribute):
        return "log" if isinstance(called.value, ast.Name) and called.value.id == "log" else called.attr
    return called.id if isinstance(called, ast.Name) else ""


def said_by(node):
    """The text of a constant or of an f-string, whose values are NUL; None for anything else."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
        return "".join(map(str, parts))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def bare(source):
    """Line and text of each sentence that people would see as it stands here."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and said_by(node.value) is not None}

    def walk(node, *, shown):
        text = said_by(node)
        if id(node) in docs or (isinstance(node, ast.Call) and called_name(node) in LOOKED_UP | UNSEEN):
            return
        if text and text not in BARE and (PHRASE.search(text) or (shown and re.search(r"[^\W\d_]{2}", text))):
            yield node.lineno, text
            return
        if isinstance(node, ast.Call):
            shows = called_name(node) in SHOWN
            yield from walk(node.func, shown=False)
            for part in node.args:
                yield from walk(part, shown=shows and isinstance(part, ast.Constant | ast.JoinedStr | ast.IfExp))
            for keyword in node.keywords:
                yield from walk(keyword.value, shown=shows and keyword.arg in SHOWING)
            return
        if isinstance(node, ast.IfExp):
            yield from walk(node.test, shown=False)
            for part in (node.body, node.orelse):
                yield from walk(part, shown=shown)
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child, shown=False)

    return list(walk(tree, shown=False))


@pytest.mark.parametrize("path", SPEAKING)
def test_every_sentence_goes_through_the_catalogue(path):
    assert [] == bare(SPEAKING[path]), "wrap it in `_` of bot.words; CONTRIBUTING.md says how"


@pytest.mark.parametrize(
    "line",
    [
        'raise Refused("No.")',
        'blocks.append(section("Something new is said here."))',
        'return "Something new is said here."',
        'words = f"Ticket {number} was eaten."',
        'words = f"Ticket {number}"',
        'said = {"text": "Something new"}',
        'buttons.append(button("Eat", Action.EAT, confirm=confirm(_("Sure?"), question, "Eat")))',
        'entry(_("Subject"), element, block, hint="Short")',
        'x = "Yes, please" if sure else ""',
        "TITLE = 'Pay now'",
    ],
)
def test_a_new_sentence_that_goes_past_it_is_found(line):
    assert [] != bare(line)


@pytest.mark.parametrize(
    "line",
    [
        'raise Refused(_("No such ticket."))',
        'log.info("a view was not brought to Slack: %s", code)',
        'TITLE = N_("Pay now")',
        'key = f"event:{team}:{kind}"',
        '"""What this module is for."""',
        'section(_("{name} is here", name=name))',
    ],
)
def test_what_is_looked_up_or_never_seen_is_left_alone(line):
    assert [] == bare(line)


def test_everything_that_is_looked_up_by_its_text_is_gathered():
    """A text inside an f-string, for one, would be looked up and never found by who gathers."""
    gathers = {(message.id[0] if isinstance(message.id, tuple) else message.id) for message in gathered()}
    asked = {
        call.args[1 if called_name(call) == "pgettext" else 0]
        for path in (ROOT / "bot").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in LOOKED_UP
    }

    assert set() == {text for one in asked if isinstance(text := said_by(one), str) and "\0" not in text} - gathers


def test_who_looks_texts_up_never_gives_that_name_to_anything_else():
    """``for _ in ...`` within a function would make its ``_("...")`` fail when it is called."""
    taken = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "bot").rglob("*.py")
        if re.search(r"from bot\.words import .*\b_\b", text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.arg) and node.arg == "_")
    ]

    assert [] == taken
