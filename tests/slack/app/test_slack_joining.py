"""The form of "Add to ticket", once the message that it is for is not kept any more."""

import pytest

from bot.slack.ids import Block
from bot.slack.seal import Seal
from tests.slack.app.test_slack_commands import opened
from tests.slack.app.test_slack_shortcuts import ADD, thread

__all__ = ["thread"]


@pytest.mark.parametrize("over", [True, False])
async def test_a_form_whose_message_is_not_kept_any_more_says_at_once_how_to_add_it(stage, thread, monkeypatch, over):
    """It is kept for two hours, and not at all while the store is away."""
    ticket = await opened(stage)
    await stage.shortcut(thread[2], ADD)
    for key in await stage.store.connection.do("KEYS", "tk:scratch:form:*"):
        await stage.store.connection.do("DEL", key)
    monkeypatch.setattr(Seal, "is_over", lambda *_: over)

    await stage.submit({Block.NUMBER: ticket.number})

    assert "Nothing was added: Threadline does not have the message any more." in stage.words(stage.ada)
    assert [] == await stage.accepted()
