"""The step Create ticket of Workflow Builder: its inputs become work that is stored, once, or its end with words."""

import pytest

from bot.conversion.ops import event_op
from bot.slack.manifest import manifest_text, read
from bot.slack.steps import STEP


@pytest.fixture
def workflows(stage):
    """The app was installed with the step."""
    stage.workspace.steps.functions = read(manifest_text(step=True))["functions"]


async def ran(stage, **inputs):
    """The work that a run of the step leads to; its execution's id in ``step``."""
    given = {"subject": "The printer burns", "requester": stage.ben, **inputs}
    execution = await stage.workspace.run_step(STEP, {name: value for name, value in given.items() if value})
    await stage.events("function_executed")
    return execution, await stage.accepted()


async def test_the_inputs_become_a_ticket_as_the_form_would_make_it(workflows, stage):
    execution, (work,) = await ran(
        stage, description="It smells", department="it", priority="high", channel=stage.channel, desk="local DESK"
    )

    assert ("open_ticket", "local", stage.channel, "") == (work.kind, work.desk, work.channel, work.thread_ts)
    assert (stage.ben, stage.ben, execution) == (work.actor, work.requester, work.step)
    assert ("The printer burns", "It smells", "IT", "High") == (
        work.subject,
        work.description,
        work.department,
        work.priority,
    )


async def test_the_link_of_a_message_means_its_whole_thread(workflows, stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "It burns")
    said = await stage.workspace.post(stage.ben, stage.channel, "and smells", thread_ts=root["ts"])

    _, (work,) = await ran(stage, message_link=stage.workspace.state.permalink(stage.channel, said["ts"]))

    assert (stage.channel, root["ts"]) == (work.channel, work.thread_ts)


async def test_the_same_event_again_is_the_same_ticket(workflows, stage):
    await stage.workspace.run_step(STEP, {"subject": "It burns", "requester": stage.ben, "description": "all of it"})

    await stage.events("function_executed")
    await stage.events("function_executed")

    assert ["open_ticket"] == [work.kind for work in await stage.accepted()]


async def test_a_thread_that_has_a_ticket_gives_that_one(workflows, stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "It burns")
    await stage.link(root, number="1042")

    execution, (work,) = await ran(stage, message_link=stage.workspace.state.permalink(stage.channel, root["ts"]))

    assert ("finish_step", execution, root["ts"], "") == (work.kind, work.step, work.thread.ts, work.error)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "Say what the ticket is about."),
        ({"description": "d", "desk": "payroll"}, "There is no helpdesk called payroll. There are: Local desk."),
        ({"description": "d", "department": "Sales"}, "Local desk has no Sales. It has: Support, IT, Facilities."),
        ({"message_link": "https://example.com/"}, "not the link of a Slack message"),
    ],
)
async def test_what_cannot_be_ends_the_step_with_words(workflows, stage, inputs, words):
    _, (work,) = await ran(stage, **inputs)

    assert "finish_step" == work.kind
    assert words in work.error


async def test_a_stranger_gets_no_ticket_by_a_workflow(workflows, stage):
    _, (work,) = await ran(stage, requester=stage.sid, description="It burns")

    assert work.error.startswith("Only members of the workspace")


async def test_a_requester_cannot_have_a_conversation_read_that_they_are_not_in(workflows, stage):
    private = stage.workspace.add_channel("private", [stage.ada], private=True)
    root = await stage.workspace.post(stage.ada, private.id, "Ben's salary")
    link = stage.workspace.state.permalink(private.id, root["ts"])

    _, (posted,) = await ran(stage, description="Ben was here", channel=private.id)
    stage.door.events.clear()
    _, (refused,) = await ran(stage, message_link=link)
    stage.door.events.clear()
    _, (allowed,) = await ran(stage, message_link=link, requester=stage.ada)

    assert ("finish_step", "finish_step", "open_ticket") == (posted.kind, refused.kind, allowed.kind)
    assert "The requester may not read that conversation, or Threadline may not." == refused.error == posted.error


async def test_the_steps_token_is_not_stored(workflows, stage):
    await stage.workspace.run_step(STEP, {"subject": "It burns", "requester": stage.ben})
    (body,) = [body for body in stage.door.events if body["event"]["type"] == "function_executed"]

    op = event_op(body)

    assert op
    assert body["event"]["bot_access_token"]
    assert body["event"]["bot_access_token"] not in op.payload
    assert body["event"]["function_execution_id"] in op.lane


async def test_other_steps_are_not_ours(workflows, stage):
    stage.workspace.steps.functions["other"] = stage.workspace.steps.functions[STEP]
    await stage.workspace.run_step("other", {"subject": "It burns", "requester": stage.ben})

    await stage.events("function_executed")

    assert [] == await stage.accepted()
