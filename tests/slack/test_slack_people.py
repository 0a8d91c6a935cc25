"""Names of ids: remembered, asked for once, and never in the way."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.conversion.ports import SlackRefused, SlackTrouble
from bot.slack.people import People
from bot.slack.web import Identity, Web


class Calls(Web):
    """`Web` that answers from a table and counts, so that who asks when can be seen."""

    def __init__(self, **answers: Any):
        super().__init__("xoxb-1")
        self.answers = answers
        self.made: list[tuple[Any, ...]] = []
        self.at_once = self.most_at_once = 0

    async def identity(self):
        return Identity("T1", "U0", "B0", enterprise_id="E1")

    async def call(self, method, **args):
        self.made.append((method, *(value for name, value in args.items() if name != "include_disabled")))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        answer = self.answers.get(method.replace(".", "_"), SlackRefused("unknown_method", "no"))
        if isinstance(answer, Exception):
            raise answer
        return answer(args) if callable(answer) else answer


def user(**more):
    return {"ok": True, "user": {"id": "U1", "team_id": "T1", "name": "ada", "profile": {"email": "a@b.c"}, **more}}


async def test_an_id_is_asked_for_once_however_many_wait_and_again_after_an_hour():
    clock = [0.0]
    calls = Calls(users_info=user(real_name="Ada"))
    people = People(calls, clock=lambda: clock[0])

    await asyncio.gather(*(people.author("U1") for _ in range(50)))
    await people.author("U1")
    assert [("users.info", "U1", True)] == calls.made

    clock[0] = 3601
    await people.author("U1")
    assert 2 == len(calls.made)


async def test_a_locale_is_waited_for_only_a_moment_and_is_known_the_next_time():
    calls = Calls(users_info=user(locale="it-IT"))
    people = People(calls)

    assert "" == await people.locale("U1", patience=0)
    await asyncio.sleep(0.05)
    assert "it-IT" == await people.locale("U1", patience=0.001)
    assert 1 == len(calls.made)


async def test_a_locale_that_is_known_stays_good_while_it_is_asked_for_again():
    clock = [0.0]
    calls = Calls(users_info=user(locale="it-IT"))
    people = People(calls, clock=lambda: clock[0])
    await people.locale("U1")
    clock[0] = 3601

    assert "it-IT" == await people.locale("U1", patience=0.0001)
    await asyncio.sleep(0.05)
    assert 2 == len(calls.made)


@pytest.mark.parametrize("trouble", [SlackTrouble("ratelimited"), SlackRefused("user_not_found", "no")])
async def test_who_slack_does_not_tell_of_has_no_locale(trouble):
    assert "" == await People(Calls(users_info=trouble)).locale("U1")


async def test_many_ids_are_asked_for_a_few_at_a_time():
    calls = Calls(users_info=lambda args: user(name=args["user"]))

    names = await People(calls).names(f"U{number}" for number in range(60))

    assert "U59" == names.user("U59")
    assert 60 == len(calls.made)
    assert calls.most_at_once <= 8


async def test_groups_are_learnt_from_one_call():
    groups = {"usergroups": [{"id": "S1", "handle": "crew"}, {"id": "S2", "name": "Admins"}]}
    calls = Calls(usergroups_list=groups)
    people = People(calls)

    names = await people.names(["S1", "S2", "S3"])
    await people.names(["S2"])

    assert ("crew", "Admins", "") == (names.usergroup("S1"), names.usergroup("S2"), names.usergroup("S3"))
    assert 1 == len(calls.made)


async def test_trouble_is_not_remembered_and_what_was_learnt_is():
    refusals = [1]
    calls = Calls(users_info=lambda args: _limited() if args["user"] == "U2" and refusals else user())
    people = People(calls)

    with pytest.raises(SlackTrouble) as caught:
        await people.names(["U1", "U2", "U3"])
    refusals.clear()
    await people.names(["U1", "U2", "U3"])

    assert timedelta(seconds=7) == caught.value.retry_after
    assert ["U1", "U2", "U2", "U3"] == sorted(one[1] for one in calls.made)


def _limited():
    raise SlackTrouble("ratelimited", retry_after=timedelta(seconds=7))


@pytest.mark.parametrize(
    ("more", "ours"),
    [
        ({}, True),
        ({"team_id": "T2"}, False),
        ({"is_stranger": True}, False),
        ({"team_id": "T2", "enterprise_user": {"teams": ["T1"]}}, True),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}, True),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2"}}, False),
    ],
)
async def test_only_our_own_people_have_an_address(more, ours):
    author = await People(Calls(users_info=user(**more))).author("U1")

    assert (ours, "a@b.c" if ours else None) == (author.own_workspace, author.email)


@pytest.mark.parametrize(
    ("user_id", "team", "ours"), [("UB", "T1", True), ("UB", "T2", False), ("USLACKBOT", "", True)]
)
async def test_another_companys_bot_is_no_member_and_slackbot_is(user_id, team, ours):
    author = await People(Calls(users_info=user(is_bot=True, team_id=team))).author(user_id)

    assert (ours, True) == (author.own_workspace, author.bot)


async def test_a_refusal_makes_a_stranger_and_a_stand_in_without_the_call_does_not():
    hidden = await People(Calls(users_info=SlackRefused("user_not_visible", "no"))).author("U1")
    plain = await People(Calls()).author("U1")

    assert (False, True) == (hidden.own_workspace, plain.own_workspace)


async def test_one_who_gives_up_waiting_does_not_take_the_answer_from_the_others():
    people = People(Calls(users_info=user(real_name="Ada")))
    tasks = [asyncio.create_task(people.author("U1")) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()

    assert "Ada" == (await tasks[1]).name


@pytest.mark.parametrize("name", ["Ada\n\ud800\x00 L.\u202e", "\n", "A" * 100])
async def test_a_name_is_one_short_line_that_each_desk_can_hold(name):
    people = People(Calls(users_info=user(real_name=name), bots_info={"ok": True, "bot": {"name": name}}))
    person, bot = await people.author("U1"), await people.writer({"bot_id": "B1"})
    shown = await people.writer({"bot_id": "B1", "username": name})

    found = {"Ada\n\ud800\x00 L.\u202e": "Ada \ufffd L.", "A" * 100: f"{'A' * 79}…"}.get(name)
    assert (found or "U1", found or "B1", found or "B1") == (person.name, bot.name, shown.name)
