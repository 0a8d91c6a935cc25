"""The Web API's views.* methods."""

import copy
from typing import Any

from bot.sandbox.slack.calls import Call, Method, method
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.views import View


def _shown(view: View) -> dict[str, Any]:
    return {"view": copy.deepcopy(view)}


def _given(call: Call) -> Any:
    view = call.structure("view")
    if view is None:
        raise SlackError("invalid_arguments", ["[ERROR] missing required field: view"])
    return view


async def _open(call: Call) -> dict[str, Any]:
    return _shown(call.workspace.views.open(call.need("trigger_id"), _given(call)))


async def _push(call: Call) -> dict[str, Any]:
    return _shown(call.workspace.views.push(call.need("trigger_id"), _given(call)))


async def _update(call: Call) -> dict[str, Any]:
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if not view_id and not external_id:
        raise SlackError("invalid_arguments", ["[ERROR] must provide one of view_id and external_id"])
    views = call.workspace.views
    return _shown(views.update(view_id=view_id, external_id=external_id, view=_given(call), hash_=call.text("hash")))


async def _publish(call: Call) -> dict[str, Any]:
    user = call.need("user_id")
    if user not in call.state.people:
        raise SlackError("invalid_arguments", ["[ERROR] invalid `user_id` [json-pointer:/user_id]"])
    return _shown(call.workspace.views.publish(user, _given(call), call.text("hash")))


METHODS: dict[str, Method] = {
    "views.open": method(_open, per_minute=100, takes_json=True),
    "views.push": method(_push, per_minute=100, takes_json=True),
    "views.update": method(_update, per_minute=100, takes_json=True),
    "views.publish": method(_publish, per_minute=100, takes_json=True),
}
