"""S13: rights at every door of the app: commands, mentions, buttons, forms that come back, lists, home and links."""

import asyncio
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.model import Body, MessageDraft, Person, TicketDraft
from bot.conversion.ports import Card, SlackTrouble
from bot.conversion.records import Link, ThreadKey
from bot.sandbox.slack.state import fixed_id
from bot.slack import access, commands, joining, tickets
from bot.slack.ids import Action, Block, Shortcut
from bot.slack.policy import DEFAULT, REACHES, Gesture, Reach, Right
from bot.slack.routing import FAILED
from bot.slack.views.card import card
from tests.security.test_security_rights import AGENTS, BY_EXAMPLE, FAR, HELP, example, expected

VERBS = {
    "view {n}": "see",
    "reply {n} Soon": "reply",
    "note {n} The fuse": "note",
    "link {n} {thread}": "link",
    "unlink {n}": "link",
    "mirror {n} marked": "link",
    "move {n} other": "link",
    "assign {n} nobody": "assign",
    "close {n}": "close",
    "reopen {n}": "close",
}
"""What is typed: the right that it needs."""
GONE = ("There is no ticket", "That thread has no ticket")
REFUSED = ("You do not have the right", "Only members of the workspace")
HERE = f"https://s.slack.com/archives/{fixed_id('C', 'help')}/p1700000000000100"


def row(who, **words):
    """A row as those of the page's tables are, and the rights that it says."""
    reaches = {verb: REACHES.get(word, Reach.UNLINKED) for verb, word in words.items()}
    rights = [Right(who=frozenset({who}), may=frozenset({Gesture(verb)}), tickets=far) for verb, far in reaches.items()]
    return who, dict.fromkeys(Gesture, "no") | words, rights


TABLES = [
    *((who, words, None) for who, words in BY_EXAMPLE.items()),
    # in the page's rows whoever may see a ticket may do most with it; in these each right ends before another does
    row("members", see="all", reply="own", note="readable", link="own", assign="unlinked", close="readable"),
    row("members", see="all", reply="readable", note="own", link="readable", assign="own", close="own"),
    row("members", see="readable", search="yes", link="readable"),
]
matrix = pytest.mark.parametrize(("who", "words", "rights"), TABLES, indirect=["rights"])


@pytest.fixture
def rights(request):
    """The example of docs/security.md, with the pretend workspace's channel in it, or a test's own."""
    if getattr(request, "param", None):
        return request.param
    here = frozenset({fixed_id("C", "help")})
    return tuple(replace(one, channels=here if HELP in one.channels else one.channels) for one in example())


@pytest.fixture
async def town(stage, monkeypatch):
    """One person of each kind, and for each of them a ticket of every distance."""
    monkeypatch.setattr(tickets, "FLOOR", 0.001)
    monkeypatch.setattr(joining, "FLOOR", 0)
    monkeypatch.setattr(commands, "AT_ONCE", 60)  # the answer itself, however busy this machine is
    work = stage.workspace
    ids = {"agents": stage.ada, "members": stage.ben, "visitors": stage.sid}
    ids["guests"] = work.add_person("gil", "Gil Guest", guest=True).id
    ids["deactivated"] = work.add_person("dora", "Dora Gone", deleted=True).id
    for who in ("guests", "deactivated"):
        await work.join(ids[who], stage.channel)
    zoe = work.add_person("zoe", "Zoe").id
    await work.join(zoe, stage.channel)
    stage.secret = work.add_channel("secret", [zoe], private=True).id
    work.state.groups[AGENTS] = {"id": AGENTS, "handle": "agents", "name": "Agents", "users": [stage.ada]}
    stage.people, stage.zoe = ids, zoe
    return stage


async def at_desk(stage, subject="The printer burns"):
    first = MessageDraft(body=Body(plain="Help"), author=Person(name="Zoe"), marker=f"TL-{secrets.token_hex(4)}")
    return (
        await stage.desk.open_ticket(TicketDraft(subject=subject, first=first, requester=Person(name="Zoe")))
    ).ticket


async def ticket(stage, far, who):
    """A ticket so far from somebody: its number."""
    made = await at_desk(stage)
    if far == "unlinked":
        return made.number
    channel = stage.secret if far == "all" else stage.channel
    said = await stage.workspace.post(stage.zoe, channel, "It burns")
    await stage.store.links.put(
        Link(
            thread=ThreadKey(team=stage.team, channel=channel, ts=said["ts"]),
            desk="local",
            ticket_id=made.id,
            number=made.number,
            subject="It burns",
            opened_by=stage.people[who] if far == "own" else stage.zoe,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    return made.number


def outcome(words):
    assert not words.startswith(FAILED)
    return "gone" if words.startswith(GONE) else "refused" if words.startswith(REFUSED) else "done"


def foreseen(words, right, far):
    """What a row of the table says of a right about a ticket that is so far away."""
    if words[right] == "no":
        return "refused"
    if not expected(words["see"], far):
        return "gone"
    return "done" if expected(words[right], far) else "refused"


@matrix
async def test_s13_every_verb_is_decided_as_the_page_says(town, who, words):
    """Each verb of the command, with tickets of every distance, for one kind of person."""
    user = town.people[who]
    found, wanted = {}, {}
    for far, name in enumerate(FAR):
        for typed, right in VERBS.items():
            number = await ticket(town, name, who)
            told = await town.told(typed.format(n=number, thread=HERE), user=user)
            found[typed, name], wanted[typed, name] = outcome(told), foreseen(words, right, far)

    assert wanted == found


@pytest.mark.parametrize(
    "rights", [(Right(who=frozenset({"members"}), may=frozenset(Gesture), tickets=Reach.READABLE),)], indirect=True
)
async def test_s13_every_verb_asks_once_more_whatever_was_found_for_somebody(town, monkeypatch):
    async def first(_self, _actor, links):
        return next(iter(links))

    monkeypatch.setattr(access.Access, "nearest", first)
    number, found = await ticket(town, "all", "members"), {}
    for typed in VERBS:
        found[typed] = outcome(await town.told(typed.format(n=number, thread=HERE), user=town.ben))

    assert dict.fromkeys(VERBS, "refused") == found


async def listing(stage, user):
    """What the list of tickets in a form offers for what somebody types there."""
    place = {"action_id": Action.TICKET, "block_id": Block.TICKET.of("local"), "value": "printer"}
    who = {"team": {"id": stage.team}, "user": {"id": user, "team_id": stage.workspace.people[user].team_id}}
    return (await stage.app.interaction({"type": "block_suggestion", **who, **place})).content.decode()


@matrix
async def test_s13_search_mine_and_home_show_only_what_is_there_for_somebody(town, who, words):
    user = town.people[who]
    numbers = {far: await ticket(town, far, who) for far in FAR}

    found = await town.told("search printer", user=user)
    listed = await listing(town, user)
    mine = await town.told("mine", user=user)
    await town.workspace.open_home(user)
    await town.events("app_home_opened")
    home = json.dumps(town.workspace.home_of(user))

    there = {name for far, name in enumerate(FAR) if words["search"] == "yes" and expected(words["see"], far)}
    assert there == {far for far in FAR if f"Ticket {numbers[far]}:" in found}
    assert there == {far for far in FAR if f"{numbers[far]}: The printer" in listed}
    own = {"own"} if words["see"] != "no" else set()
    assert own == {far for far in FAR if f"Ticket {numbers[far]}" in mine}
    assert own == {far for far in FAR if f"Ticket {numbers[far]}" in home}


# --- forms that come back ---


async def carded(stage):
    number = await ticket(stage, "own", "agents")
    (link,) = await stage.store.links.find(number)
    blocks, text = card(Card(link=link, desk=stage.desk))
    said = {"channel": stage.channel, "thread_ts": link.thread.ts, "text": text, "blocks": blocks}
    return (await stage.web.call("chat.postMessage", **said))["ts"]


FORMS = {
    "create": (None, {Block.SUBJECT: "It burns", Block.DESCRIPTION: "Help", Block.DEPARTMENT.of("local"): "IT"}),
    "join": (None, {Block.NUMBER: "1"}),
    "reply": (Action.REPLY, {Block.TEXT: "Soon"}),
    "note": (Action.NOTE, {Block.TEXT: "The fuse"}),
    "assign": (Action.ASSIGN, {}),
}


@pytest.mark.parametrize("form", FORMS)
async def test_s13_every_form_is_authorised_again_when_it_comes_back(town, monkeypatch, form):
    """Who loses the right while a form is open is refused with words, and nothing is accepted."""
    action, given = FORMS[form]
    if form == "create":
        await town.ticket("")
    elif form == "join":
        await town.shortcut(await town.workspace.post(town.ben, town.channel, "It burns"), Shortcut.ADD)
    else:
        ts = await carded(town)
        await town.workspace.press(town.ada, channel=town.channel, ts=ts, block_id="card", action_id=action)
    await town.settled()
    monkeypatch.setattr(access, "may", lambda *_: False)

    answer = await town.submit(given)

    assert "errors" == answer.body["response_action"]
    assert [True] == [words.startswith("You do not have the right") for words in answer.body["errors"].values()]
    assert [] == await town.accepted()


@pytest.mark.parametrize("form", ["create", "join"])
async def test_s13_a_form_about_a_thread_is_refused_who_cannot_read_it_any_more(town, form):
    """What is said there by then would go to a ticket of theirs."""
    made = await at_desk(town)
    await town.workspace.join(town.ada, town.secret)
    said = await town.workspace.post(town.zoe, town.secret, "It burns")
    await town.shortcut(said, Shortcut.CREATE if form == "create" else Shortcut.ADD, channel=town.secret)
    await town.settled()
    town.workspace.state.channels[town.secret].members.remove(town.ada)

    given = {Block.NUMBER: made.number} if form == "join" else {Block.DEPARTMENT.of("local"): "IT"}
    answer = await town.submit(given)

    (words,) = answer.body["errors"].values()
    assert words.startswith("You cannot read that conversation")
    assert [] == await town.accepted()


async def test_s13_who_may_not_open_tickets_for_others_is_the_requester(town):
    said = await town.workspace.post(town.ada, town.channel, "It burns")
    await town.shortcut(said, Shortcut.CREATE, user=town.ben)
    await town.settled()
    shown = set(town.blocks(town.ben))

    await town.submit({Block.DEPARTMENT.of("local"): "IT"}, user=town.ben)

    (work,) = await town.accepted()
    assert (town.ben, "") == (work.requester, work.requester_email)
    assert set() == shown & {Block.REQUESTER, Block.OUTSIDER}


async def test_s13_a_requester_that_was_forged_into_the_form_is_refused(town):
    """Ben's form has no such input; what comes back with one all the same is authorised like all else."""
    await town.ticket("It burns", user=town.ben)
    await town.settled()
    view = town.view(town.ben)
    values = {Block.SUBJECT: {"value": {"value": "It burns"}}, Block.DESCRIPTION: {"value": {"value": "Help"}}}
    values[Block.REQUESTER] = {"value": {"selected_user": town.ada}}
    department = {Block.DEPARTMENT.of("local"): {"department": {"selected_option": {"value": "IT"}}}}
    body = {
        "type": "view_submission",
        "team": {"id": town.team},
        "user": {"id": town.ben, "team_id": town.team},
        "view": {**view, "state": {"values": {**values, **department}}},
    }

    answer = json.loads((await town.app.interaction(body)).content)

    assert ["You do not have the right to open a ticket for somebody else here."] == [
        words.partition(" Ask")[0] for words in answer["errors"].values()
    ]
    assert [] == await town.accepted()


# --- what is not there for somebody ---


@pytest.fixture
def late(monkeypatch):
    """The long waits that there would have been before an answer."""
    waits, sleep = [], asyncio.sleep

    async def waited(seconds):
        waits.extend([seconds] if seconds > 900 else [])
        await sleep(0)

    for room in (tickets, joining):
        monkeypatch.setattr(room, "FLOOR", 1000)
    monkeypatch.setattr(asyncio, "sleep", waited)
    return waits


async def test_s13_a_ticket_that_somebody_may_not_see_is_answered_like_one_that_is_not_there(town, late, monkeypatch):
    """The same words after the same calls to the desk, and neither answer comes before the same moment."""
    hidden, calls, find = await ticket(town, "all", "members"), [], town.desk.find_by_number

    async def counted(number):
        calls.append(number)
        return await find(number)

    monkeypatch.setattr(town.desk, "find_by_number", counted)

    for verb in ("view {n}", "reply {n} Soon", "close {n}", "view local:{n}"):
        words = [await town.told(verb.format(n=number), user=town.ben) for number in (hidden, "999999")]

        assert words[0].replace(hidden, "N") == words[1].replace("999999", "N")
        assert ([hidden, "999999"], 2) == (calls, len(late))
        calls.clear()
        late.clear()


@pytest.mark.parametrize(("rights", "down"), [(DEFAULT, False), (DEFAULT, True)], indirect=["rights"])
async def test_s13_the_form_for_a_message_says_so_as_late_of_a_hidden_ticket_as_of_none(town, late, down):
    hidden = await ticket(town, "all", "members")
    await town.shortcut(await town.workspace.post(town.ben, town.channel, "It burns"), Shortcut.ADD, user=town.ben)
    town.desk.down = down

    answers = [await town.submit({Block.NUMBER: number}, user=town.ben) for number in (hidden, "999999")]

    words = [answer.body["errors"][Block.NUMBER] for answer in answers]
    assert words[0].replace(hidden, "N") == words[1].replace("999999", "N")
    assert 2 == len(late)


async def test_s13_a_thread_that_somebody_cannot_read_has_no_ticket_for_them(town):
    await ticket(town, "all", "members")
    (link,) = [link async for link in town.store.links.all()]
    bare = await town.workspace.post(town.zoe, town.secret, "Nothing")
    told = [
        await town.refused(f"view https://s.slack.com/archives/{town.secret}/p{ts.replace('.', '')}", user=town.ben)
        for ts in (link.thread.ts, bare["ts"])
    ]

    assert told[0] == told[1]
    assert told[0].startswith("That thread has no ticket.")


async def test_s13_a_thread_that_somebody_cannot_read_cannot_be_linked(town):
    """Else its replies would go to a ticket of somebody's choice, agent or not."""
    number = await ticket(town, "unlinked", "agents")
    said = await town.workspace.post(town.zoe, town.secret, "Psst")
    address = f"https://s.slack.com/archives/{town.secret}/p{said['ts'].replace('.', '')}"

    words = await town.refused(f"link {number} {address}")

    assert words.startswith("You cannot read that conversation, or Threadline cannot. Ask somebody")
    assert [] == await town.accepted()


@pytest.mark.parametrize("rights", [DEFAULT], indirect=True)
async def test_s13_threads_that_somebody_cannot_see_and_that_of_the_agents_do_not_make_a_number_doubtful(town):
    number = await ticket(town, "readable", "members")
    (link,) = [link async for link in town.store.links.all()]
    for channel, agents in ((town.secret, False), (town.channel, True)):
        said = await town.workspace.post(town.zoe, channel, "It burns")
        thread = ThreadKey(team=town.team, channel=channel, ts=said["ts"])
        await town.store.links.put(link.model_copy(update={"thread": thread, "agents": agents}))

    words = await town.told(f"unlink {number}", user=town.ben)

    assert words.startswith(f"Ticket {number} and its thread are no longer linked.")
    assert await town.store.links.get(link.thread) is None


LINKS_OWN = row("members", see="all", link="own", close="own")[2]


@pytest.mark.parametrize("rights", [LINKS_OWN], indirect=True)
@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("way", ["command", "mention", "form"])
async def test_s13_linking_reaches_no_further_than_its_right(town, far, way):
    """As closing does; else anybody's ticket could be brought into a thread of one's own."""
    number = await ticket(town, far, "members")
    said = await town.workspace.post(town.ben, town.channel, "Mine")
    if way == "command":
        address = f"https://s.slack.com/archives/{town.channel}/p{said['ts'].replace('.', '')}"
        await town.told(f"link {number} {address}", user=town.ben)
    elif way == "mention":
        text = f"@{town.workspace.bot_user_id} link {number}"
        await town.workspace.post(town.ben, town.channel, text, thread_ts=said["ts"])
        await town.events("app_mention")
    else:
        await town.shortcut(said, Shortcut.ADD, user=town.ben)
        await town.submit({Block.NUMBER: number}, user=town.ben)

    linked = [work for work in await town.accepted() if work.kind == "link_ticket"]
    assert (far == "own") == bool(linked)


@pytest.fixture
def two(tables, tmp_path):
    """A second desk; to be asked for before the stage."""
    tables["other"] = {"kind": "local", "path": tmp_path / "other.sqlite", "title": "Other desk"}


CREATES_IN_CLOSED = (
    Right(who=frozenset({"members"}), may=frozenset({Gesture.SEE, Gesture.LINK}), tickets=Reach.ALL),
    Right(who=frozenset({"members"}), may=frozenset({Gesture.CREATE}), channels=frozenset({fixed_id("C", "closed")})),
)


@pytest.mark.parametrize("rights", [CREATES_IN_CLOSED], indirect=True)
async def test_s13_a_thread_is_moved_by_who_may_open_tickets_where_it_is(two, town):
    """Wherever they ask for it."""
    number = await ticket(town, "readable", "members")

    answer = await town.ticket(f"move {number} other", user=town.ben, channel=town.closed)

    assert answer.body["text"].startswith("You do not have the right to open a ticket here.")


@pytest.mark.parametrize("rights", [DEFAULT], indirect=True)
@pytest.mark.parametrize("spelling", [str, str.lower, lambda number: number.removeprefix("L-")])
async def test_s13_a_hidden_ticket_is_not_linked_while_its_desk_is_slow(town, monkeypatch, spelling):
    """A desk knows a ticket by more spellings than its link does."""
    monkeypatch.setattr(joining, "LOOK", 0.05)
    hidden = await ticket(town, "all", "members")
    said = await town.workspace.post(town.ben, town.channel, "It burns")
    await town.shortcut(said, Shortcut.ADD, user=town.ben)
    town.desk.held.clear()

    await town.submit({Block.NUMBER: spelling(hidden)}, user=town.ben)

    assert [] == await town.accepted()


async def test_s13_slacks_trouble_does_not_tell_a_hidden_ticket_from_one_that_is_not_there(town, monkeypatch):
    async def trouble(*_):
        raise SlackTrouble("ratelimited")

    hidden = await ticket(town, "all", "members")
    monkeypatch.setattr(access.Access, "reads", trouble)

    words = [await town.told(f"view {number}", user=town.ben) for number in (hidden, "999999")]

    assert words[0].replace(hidden, "N") == words[1].replace("999999", "N")


def test_s13_nobody_hears_that_there_is_no_such_ticket_before_slack_was_waited_for():
    assert tickets.FLOOR > access.PATIENCE
