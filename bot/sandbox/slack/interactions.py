"""Commands, shortcuts, clicks and forms: what Slack sends the app for them, and what it makes of the answer."""

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.elements import NotOffered, find_element, initial_state, refused_by_client, state_of
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.kit_check import check_view
from bot.sandbox.slack.outlet import Answer, Kind
from bot.sandbox.slack.response_urls import ResponseUrls
from bot.sandbox.slack.state import Message, SandboxChannel, State, copied
from bot.sandbox.slack.typed import escaped
from bot.sandbox.slack.views import View, Views

_TROUBLE = "We had some trouble connecting. Try again?"
Values = Mapping[str, Mapping[str, Any]]


@dataclass(kw_only=True)
class Interactions:
    """Asks the app in people's names."""

    state: State
    events: Events
    views: Views
    response_urls: ResponseUrls
    commands: Sequence[Mapping[str, Any]]
    shortcuts: Sequence[Mapping[str, Any]]

    # --- commands and shortcuts ---

    async def command(self, user: str, channel_id: str, command: str, text: str) -> Answer:
        """Send a slash command and show what the app answers."""
        registered = next((item for item in self.commands if item["command"] == command), None)
        if registered is None or "commands" not in self.events.scopes:
            return Answer(status=0, error=f"{command} is not a valid command. Try the shortcut menu to find one.")
        channel, person = self.state.channels[channel_id], self.state.people[user]
        answer = await self._ask(
            "slash_commands",
            {
                "token": "sandbox-verification-token",
                "team_id": self.state.team_id,
                "team_domain": self.state.domain,
                "channel_id": channel_id,
                "channel_name": _name(channel),
                "user_id": user,
                "user_name": person.name,
                "command": command,
                "text": self._escaped(text) if registered.get("should_escape") else text,
                "api_app_id": self.state.app_id,
                "is_enterprise_install": "false",
                "response_url": self.response_urls.make(user, channel_id, kind="commands"),
                "trigger_id": self.views.trigger(user),
            },
        )
        if answer.error:
            return Answer(status=answer.status, body=answer.body, error=_failed(command, answer.error))
        body = {"text": answer.body} if isinstance(answer.body, str) else answer.body
        if body:
            try:
                self.response_urls.answer(user, channel_id, body)
            except SlackError:
                return Answer(status=answer.status, body=body, error=_failed(command, "invalid_command_response"))
        return answer

    async def message_shortcut(self, user: str, channel_id: str, ts: str, callback_id: str) -> Answer:
        """Choose an entry in a message's menu; works where the bot is not a member, too."""
        self._registered(callback_id, "message")
        channel = self.state.channels[channel_id]
        return await self._interact(
            {
                "type": "message_action",
                "callback_id": callback_id,
                "action_ts": self.state.new_ts(),
                "trigger_id": self.views.trigger(user),
                "response_url": self.response_urls.make(user, channel_id, kind="app"),
                "message_ts": ts,
                "channel": {"id": channel_id, "name": _name(channel)},
                "message": self._for_app(self.state.messages[channel_id][ts]),
            },
            user,
        )

    async def global_shortcut(self, user: str, callback_id: str) -> Answer:
        """Choose an entry in the lightning menu."""
        self._registered(callback_id, "global")
        payload = {"type": "shortcut", "callback_id": callback_id, "trigger_id": self.views.trigger(user)}
        return await self._interact({**payload, "action_ts": self.state.new_ts()}, user)

    # --- elements ---

    async def press_in_view(
        self, user: str, view_id: str, *, block_id: str, action_id: str, value: Any, values: Values
    ) -> Answer:
        """Use an element of a form or of App Home."""
        view = self.views.shown(user, view_id)
        self._fill(user, view, values)
        block, element = find_element(view["blocks"], block_id, action_id)
        state = self._state(user, view_id, block, element, value)
        if block_id in view["state"]["values"] and action_id in view["state"]["values"][block_id]:
            view["state"]["values"][block_id][action_id] = state
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Answer(status=0)
        payload: dict[str, Any] = {
            "type": "block_actions",
            "container": {"type": "view", "view_id": view_id},
            "trigger_id": self.views.trigger(user, in_modal=view["type"] == "modal"),
            "view": _shown(view),
            "actions": [self._action(block, element, state)],
        }
        return await self._interact(payload, user)

    async def press_in_message(
        self, user: str, channel_id: str, ts: str, *, block_id: str, action_id: str, value: Any, values: Values
    ) -> Answer:
        """Use an element of a message, also of one that only this person sees."""
        blocks, about = self._seen(user, channel_id, ts)
        block, element = find_element(blocks, block_id, action_id)
        state = self._state(user, ts, block, element, value)
        filled = initial_state(blocks)
        for block_name, actions in values.items():
            for action_name, given in actions.items():
                of = find_element(blocks, block_name, action_name)
                filled[block_name][action_name] = self._state(user, ts, *of, given)
        if action_id in filled.get(block_id, {}):
            filled[block_id][action_id] = state
        payload = {
            **about,
            "type": "block_actions",
            "trigger_id": self.views.trigger(user),
            "state": {"values": filled},
            "response_url": self.response_urls.make(user, channel_id, message_ts=ts),
            "actions": [self._action(block, element, state)],
        }
        return await self._interact(payload, user)

    async def suggest(
        self, user: str, typed: str, *, view_id: str, channel: str, ts: str, block_id: str, action_id: str
    ) -> list[dict[str, Any]]:
        """Ask the app for options; nothing when it does not answer in time or answers nonsense."""
        if view_id:
            view = self.views.shown(user, view_id)
            blocks, about = view["blocks"], {"container": {"type": "view", "view_id": view_id}, "view": _shown(view)}
        else:
            blocks, about = self._seen(user, channel, ts)
        _, element = find_element(blocks, block_id, action_id)
        if element["type"] not in {"external_select", "multi_external_select"}:
            raise NotOffered(f"{action_id!r} does not ask the app")
        if len(typed) < element.get("min_query_length", 3):
            return []
        ids = {"block_id": block_id, "action_id": action_id}
        answer = await self._interact({**about, **ids, "type": "block_suggestion", "value": typed}, user)
        body = answer.body if isinstance(answer.body, dict) else {}
        lists = {key: body[key] for key in ("options", "option_groups") if body.get(key)}
        if answer.error or not _would_be_shown({"type": "static_select", **lists}):
            return []
        found = body.get("options") or [option for group in body["option_groups"] for option in group["options"]]
        self.views.offered[view_id or ts, block_id, action_id] = found
        return list(body.get("options") or body["option_groups"])

    # --- forms ---

    async def submit(self, user: str, view_id: str, values: Values) -> Answer:
        """Send the form on top, and do to the stack of forms what the app answers."""
        view = self.views.top(user, view_id)
        self._fill(user, view, values)
        if problems := refused_by_client(view["blocks"], view["state"]["values"]):
            return Answer(status=0, body={"response_action": "errors", "errors": problems})
        payload: dict[str, Any] = {
            "type": "view_submission",
            "trigger_id": self.views.trigger(user, in_modal=True),
            "view": _shown(view),
            "response_urls": self._response_urls(user, view),
        }
        answer = await self._interact(payload, user)
        if answer.error:
            return answer
        try:
            return self._apply(user, view, answer)
        except SlackError as error:
            words = [error.code, *error.messages]
            return Answer(status=answer.status, body={"refused": words}, error=_TROUBLE)

    def _apply(self, user: str, view: View, answer: Answer) -> Answer:
        body = answer.body or {}
        if not isinstance(body, dict):
            raise SlackError("invalid_response_action")
        if self.views.stacks.get(user, [])[-1:] != [view]:
            # The app has changed the stack by itself (views.update) before it answered.
            fresh = next((item for item in self.views.stacks.get(user, []) if item["id"] == view["id"]), None)
            if fresh is None:
                return answer
            view = fresh
        match body.get("response_action"):
            case None:
                self.views.pop(user)
            case "clear":
                self.views.pop(user, everything=True)
            case "errors":
                inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
                if not body.get("errors") or set(body["errors"]) - inputs:
                    raise SlackError("invalid_errors", [f"blocks with errors: {sorted(body.get('errors') or {})}"])
            case "update":
                self.views.replace(user, view, check_view(body.get("view"), home=False))
            case "push":
                self.views.stack_on(user, check_view(body.get("view"), home=False))
            case other:
                raise SlackError("invalid_response_action", [str(other)])
        return answer

    async def close(self, user: str, view_id: str, *, everything: bool) -> None:
        """Close forms, and tell the app of those that want it."""
        self.views.top(user, view_id)
        closed = self.views.pop(user, everything=everything)
        if closed and closed[0]["clear_on_close"]:
            everything = True
            closed += self.views.pop(user, everything=True)
        for view in closed:
            if view["notify_on_close"]:
                payload = {"type": "view_closed", "view": _shown(view), "is_cleared": everything}
                await self._interact(payload, user)

    # --- inside ---

    def _seen(self, user: str, channel_id: str, ts: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The blocks of a message as this person sees it, and what payloads tell of where it is."""
        whispers = self.state.ephemerals.get((user, channel_id), [])
        whisper = next((message for message in whispers if message["ts"] == ts), None)
        message = whisper or self.state.messages[channel_id][ts]
        blocks = list(message.get("blocks", []))
        for attachment in message.get("attachments", []):
            blocks += attachment.get("blocks", [])
        container = {"type": "message", "message_ts": ts, "channel_id": channel_id, "is_ephemeral": whisper is not None}
        if "thread_ts" in message:
            container["thread_ts"] = message["thread_ts"]
        about = {"container": container, "channel": {"id": channel_id, "name": _name(self.state.channels[channel_id])}}
        return blocks, about if whisper else {**about, "message": self._for_app(message)}

    def _fill(self, user: str, view: View, values: Values) -> None:
        for block_id, actions in values.items():
            for action_id, value in actions.items():
                block, element = find_element(view["blocks"], block_id, action_id)
                state = self._state(user, view["id"], block, element, value)
                view["state"]["values"].setdefault(block_id, {})[action_id] = state

    def _state(self, user: str, where: str, block: dict[str, Any], element: dict[str, Any], value: Any) -> Any:
        if element["type"] == "file_input" and value:
            given = value["files"] if isinstance(value, Mapping) else value
            ids = [item["id"] if isinstance(item, Mapping) else item for item in given]
            value = [copy.deepcopy(self.state.files[file_id].info) for file_id in ids]
        if element["type"] == "users_select" and value and str(_bare(value)) not in self.state.people:
            raise NotOffered(f"{user} cannot choose {value!r}")
        return state_of(element, value, self.views.offered.get((where, block["block_id"], element["action_id"])))

    def _action(self, block: dict[str, Any], element: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        also: dict[str, Any] = {key: element[key] for key in ("style", "placeholder", "confirm") if key in element}
        ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
        return {**ids, **also, **state, "action_ts": self.state.new_ts()}

    def _response_urls(self, user: str, view: View) -> list[dict[str, str]]:
        made = []
        for block in view["blocks"]:
            element = block.get("element", {})
            if element.get("response_url_enabled"):
                ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
                channel = _bare(view["state"]["values"][ids["block_id"]][ids["action_id"]])
                url = self.response_urls.make(user, str(channel), kind="app")
                made.append({**ids, "channel_id": str(channel), "response_url": url})
        return made

    def _registered(self, callback_id: str, kind: str) -> None:
        if not any(item["callback_id"] == callback_id and item["type"] == kind for item in self.shortcuts):
            raise NotOffered(f"the app has no {kind} shortcut {callback_id!r}")

    async def _interact(self, payload: dict[str, Any], user: str) -> Answer:
        person, state = self.state.people[user], self.state
        about = {
            "team": {"id": state.team_id, "domain": state.domain},
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": state.app_id,
            "token": "sandbox-verification-token",
            "enterprise": None,
            "is_enterprise_install": False,
        }
        answer = await self._ask("interactive", {**payload, **about})
        return Answer(status=answer.status, body=answer.body, error=_TROUBLE) if answer.error else answer

    def _for_app(self, message: Message) -> Message:
        return self.response_urls.messages.for_app(copied(message))

    async def _ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:
        return await self.events.outlet.ask(kind, payload)

    def _escaped(self, text: str) -> str:
        people = {person.name: person.id for person in self.state.people.values()}
        channels = {channel.name: channel.id for channel in self.state.channels.values() if not channel.is_im}

        def replace(match: re.Match[str]) -> str:
            known = people if match[1] == "@" else channels
            found = known.get(match[2])
            return f"<{match[1]}{found}|{match[2]}>" if found else match[0]

        return re.sub(r"(?<!\w)([@#])([\w.-]*\w)", replace, escaped(text))


def _bare(state: Any) -> Any:
    """What a state with one key for its value holds."""
    if isinstance(state, Mapping):
        return next((value for key, value in state.items() if key.startswith("selected_")), None)
    return state


def _shown(view: View) -> View:
    return copy.deepcopy(view)


def _name(channel: SandboxChannel) -> str:
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.private else channel.name


def _failed(command: str, reason: str) -> str:
    return f'{command} failed with the error "{reason}"'


def _would_be_shown(element: dict[str, Any]) -> bool:
    block = {"type": "actions", "elements": [element]}
    view = {"type": "home", "blocks": [block]}
    try:
        check_view(json.loads(json.dumps(view)), home=True)
    except SlackError:
        return False
    return True
