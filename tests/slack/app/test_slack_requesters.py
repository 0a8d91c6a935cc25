"""Whom a ticket is for: a channel's requester, unless somebody who may says otherwise."""

import pytest

from bot.sandbox.slack.state import fixed_id
from bot.settings import SettingsError, parse
from bot.slack.ids import Block
from bot.slack.policy import DEFAULT, Gesture, Right, Standing

GRACE = "Grace Hopper <grace@example.com>"
GIVEN = {Block.SUBJECT: "It burns", Block.DESCRIPTION: "Help", Block.DEPARTMENT.of("local"): "IT"}
ONLY_FOR_THEMSELVES = (Right(who=frozenset({Standing.MEMBER}), may=frozenset({Gesture.CREATE, Gesture.SEE})),)


@pytest.fixture
def requesters():
    return {fixed_id("C", "help"): GRACE}


@pytest.fixture(params=[DEFAULT, ONLY_FOR_THEMSELVES])
def rights(request):
    return request.param


async def test_tickets_of_a_channel_are_for_its_requester_whoever_opens_them(stage):
    await stage.ticket("")
    await stage.settled()
    await stage.submit(GIVEN)

    (work,) = await stage.accepted()
    assert ("", "grace@example.com", "Grace Hopper") == (work.requester, work.requester_email, work.requester_name)


async def test_tickets_of_another_channel_are_for_who_opens_them(stage):
    await stage.ticket("", channel=stage.closed)
    await stage.settled()
    await stage.submit(GIVEN)

    (work,) = await stage.accepted()
    assert (stage.ada, "") == (work.requester, work.requester_email)


@pytest.mark.parametrize("rights", [DEFAULT])
async def test_the_form_shows_a_channels_requester_and_it_can_be_changed_by_who_may(stage):
    await stage.ticket("")
    await stage.settled()
    shown = stage.blocks(stage.ada)[Block.OUTSIDER]["element"]["initial_value"]

    await stage.submit({**GIVEN, Block.OUTSIDER: "Katherine <kat@example.com>"})

    (work,) = await stage.accepted()
    assert (GRACE, "kat@example.com") == (shown, work.requester_email)


@pytest.fixture
def simple(tables):
    """A reaction has no form in which a department could be chosen."""
    tables["local"]["department"] = "Support"


@pytest.mark.usefixtures("simple")
@pytest.mark.parametrize("rights", [DEFAULT])
async def test_a_reaction_opens_a_ticket_for_the_channels_requester(stage):
    said = await stage.workspace.post(stage.ben, stage.channel, "It burns")
    await stage.workspace.react(stage.ada, stage.channel, said["ts"], "ticket")

    await stage.events("reaction_added")

    found = [work for work in await stage.accepted() if work.kind == "open_ticket"]
    assert ["grace@example.com"] == [work.requester_email for work in found]


@pytest.mark.parametrize("address", ["grace@example", "grace@example.com, ada@example.com", "Grace"])
def test_the_settings_take_one_address_that_the_form_takes_too(address):
    document = {"requesters": {"C1": address}, "desks": {"local": {"kind": "local", "path": "desk.sqlite"}}}

    with pytest.raises(SettingsError, match="C1 must have one e-mail address"):
        parse(document, {})
