"""Previews of links, and steps of workflows, as Slack documents them."""

import pytest

from bot.sandbox.slack import NotOffered
from bot.slack.manifest import manifest_text, read
from tests.sandbox.test_sandbox_slack_api import client, clock, error_of, ids, slack

__all__ = ["client", "clock", "ids", "slack"]


async def test_previews_are_attached_to_links_that_the_message_has(slack, client, ids):
    url = "https://desk.example/t/1?a=1&b=2"
    slack.workspace.events.domains = ("desk.example",)
    said = await slack.workspace.post(ids["eva"], ids["general"], f"see {url}")
    preview = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Ticket 1"}}]}
    at = {"channel": ids["general"], "ts": said["ts"]}

    other = await error_of(client.chat_unfurl(**at, unfurls={"https://desk.example/t/2": preview}))
    slack.workspace.events.domains = ()
    foreign = await error_of(client.chat_unfurl(**at, unfurls={url: preview}))
    slack.workspace.events.domains = ("desk.example",)
    await client.chat_unfurl(**at, unfurls={url: preview})

    shown = slack.workspace.history(ids["general"])[-1]
    assert "cannot_unfurl_url" == other["error"] == foreign["error"]
    assert (url, False) == (shown["attachments"][0]["from_url"], "edited" in shown)


@pytest.fixture
def step(slack):
    """The app's manifest has the step."""
    slack.workspace.steps.functions = read(manifest_text(step=True))["functions"]
    return {"subject": "It burns", "requester": "U0"}


async def test_a_step_ends_once_with_the_outputs_that_its_manifest_names(slack, client, step):
    execution = await slack.workspace.run_step("create_ticket", step)
    outputs = {"ticket_number": "7", "ticket_link": "", "thread_link": ""}

    lacking = await error_of(client.functions_completeSuccess(function_execution_id=execution, outputs={}))
    await client.functions_completeSuccess(function_execution_id=execution, outputs=outputs)
    again = await error_of(client.functions_completeError(function_execution_id=execution, error="no"))
    unknown = await error_of(client.functions_completeError(function_execution_id="Fx0", error="no"))

    assert ("completed", outputs) == (
        slack.workspace.steps.executions[execution].state,
        slack.workspace.steps.executions[execution].outputs,
    )
    assert ["parameter_validation_failed", "execution_not_in_running_state", "function_execution_not_found"] == [
        answer["error"] for answer in (lacking, again, unknown)
    ]


@pytest.mark.parametrize("inputs", [{}, {"subject": "It burns"}, {"subject": "s", "requester": "U0", "colour": "red"}])
async def test_workflow_builder_runs_no_step_with_inputs_lacking_or_unknown(slack, step, inputs):
    with pytest.raises(NotOffered):
        await slack.workspace.run_step("create_ticket", inputs)
