"""Edits of messages that are wishes, or become such."""

from bot.conversion.ops import missed_op
from bot.conversion.records import SlackEvent, decode
from tests.slack.app.test_slack_verbs import mention, root

__all__ = ["root"]


async def test_what_was_held_back_and_is_put_right_by_an_edit_is_sent_and_said_to_be(stage, root):
    await mention(stage, root, "nte: they owe us")
    (held,) = await stage.accepted()
    ts, note = stage.door.events[-1]["event"]["ts"], f"@{stage.workspace.bot_user_id} note: they owe us"
    await stage.workspace.edit(stage.ben, stage.channel, ts, note)
    edited = stage.door.events[-1]["event"]["message"]

    asked_anew = decode(missed_op(stage.thread(root), edited, doubt=0.0).payload).work
    assert isinstance(asked_anew, SlackEvent)
    for _ in range(2):
        await stage.dispatch(asked_anew.body)

    works = {work.kind: work for work in await stage.accepted()}
    assert "so your message was not sent" in held.text
    assert ("they owe us", "internal") == (works["add_message"].text, works["add_message"].visibility)
    assert "Your note is on its way to ticket 1042" in works["tell"].text
