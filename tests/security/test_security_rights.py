"""S13: the decision about rights, compared with the tables in docs/security.md, which know nothing of the code."""

import re
import tomllib
from itertools import product
from pathlib import Path

import pytest

from bot import settings, wiring
from bot.slack.policy import DEFAULT, Gesture, Matter, Person, Reach, Standing, may

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
AGENTS, HELP = "S0123456789", "C0123456789"
FAR = ["own", "readable", "unlinked", "all"]
PEOPLE = {
    "agents": Person(id="U1", groups=frozenset({AGENTS, "SOTHER"})),
    "members": Person(id="U2", groups=frozenset({"SOTHER"})),
    "guests": Person(id="U3", standing=Standing.GUEST),
    "visitors": Person(id="U4", standing=Standing.VISITOR),
    "deactivated": Person(id="U5", standing=Standing.GONE, groups=frozenset({AGENTS})),
}


def tables():
    """The two tables of the page: who -> verb -> word."""
    found = []
    for block in re.findall(r"(\| who \| create .*?)\n\n", PAGE, re.DOTALL):
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        found.append({row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows})
    return found


def example():
    """The rights of the page's example, read as the settings are read."""
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    document = tomllib.loads(toml) | {"desks": {"local": {"kind": "local", "path": "desk.sqlite"}}}
    return wiring.rights_of(settings.parse(document, {}))


def expected(word, far):
    return word == "yes" or (word != "no" and far <= FAR.index(word))


BY_DEFAULT, BY_EXAMPLE = tables()
CASES = [(DEFAULT, BY_DEFAULT, who) for who in BY_DEFAULT] + [(example(), BY_EXAMPLE, who) for who in BY_EXAMPLE]


@pytest.mark.parametrize(("rights", "table", "who"), CASES)
def test_s13_the_rights_decide_as_the_page_says(rights, table, who):
    """Every verb for tickets of every distance, at the example's desk and in its channel."""
    wrong = [
        (verb, FAR[far])
        for (verb, word), far in product(table[who].items(), range(4))
        if expected(word, far)
        is not may(rights, PEOPLE[who], Gesture(verb), Matter(desk="local", channel=HELP, reach=Reach(far + 1)))
        and not (word == "yes" and far)  # creating and searching are about no ticket
    ]

    assert [] == wrong
    assert {gesture.value for gesture in Gesture} == set(table[who])


@pytest.mark.parametrize(
    ("who", "desk", "channel", "verb", "allowed"),
    [
        ("agents", "other", HELP, "note", False),  # their desk is another
        ("agents", "other", HELP, "reply", True),  # as every member
        ("guests", "local", "COTHER", "create", False),
        ("guests", "local", "", "create", False),  # the global shortcut is in no channel
        ("guests", "local", None, "create", True),  # somewhere at all
        ("agents", None, None, "note", True),
    ],
)
def test_s13_rows_are_for_their_desks_and_channels(who, desk, channel, verb, allowed):
    assert allowed is may(example(), PEOPLE[who], Gesture(verb), Matter(desk=desk, channel=channel))


def test_s13_a_person_may_be_named_and_who_was_deactivated_has_no_rights_even_then():
    row = settings.RightTable.model_validate({"who": ["U5", "U4"], "may": ["see"]})
    rights = wiring.rights_of(settings.Settings(rights=(row,)))

    assert may(rights, PEOPLE["visitors"], Gesture.SEE, Matter())
    assert not may(rights, PEOPLE["deactivated"], Gesture.SEE, Matter())


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"who": ["everybody"], "may": ["see"]}, "must be members, guests, visitors, or ids such as S0123"),
        ({"who": ["members"], "may": ["sea"]}, "Input should be 'create'"),
        ({"who": ["members"], "may": ["see"], "desks": ["nowhere"]}, "there is no desk called nowhere"),
        ({"who": [], "may": ["see"]}, "at least 1 item"),
    ],
)
def test_s13_rights_that_cannot_be_meant_are_refused_at_the_start(row, words):
    document = {"rights": [row], "desks": {"local": {"kind": "local", "path": "desk.sqlite"}}}

    with pytest.raises(settings.SettingsError, match=re.escape(words)):
        settings.parse(document, {})
