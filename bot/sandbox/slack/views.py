"""Forms and Home tabs: who has which open, with trigger ids, hashes and what is filled in."""

import copy
import secrets
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.elements import initial_state
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.kit_check import check_view
from bot.sandbox.slack.state import State, fresh_id

View = dict[str, Any]
_MAX_STACK = 3


@dataclass(kw_only=True)
class _Trigger:
    user: str
    expires: float
    in_modal: bool
    used: bool = False


@dataclass(kw_only=True)
class Views:
    """Open forms (a stack for each person) and Home tabs.

    ``trigger_seconds`` is how long a trigger id lives: 3 s at Slack.
    """

    state: State
    trigger_seconds: float = 3.0
    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    offered: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)
    _triggers: dict[str, _Trigger] = field(default_factory=dict)

    # --- triggers ---

    def trigger(self, user: str, *, in_modal: bool = False) -> str:
        """A new trigger id for what *user* just did."""
        number = secrets.randbelow(10**12)
        trigger_id = f"{number}.{number % 9973}.{secrets.token_hex(16)}"
        expires = self.state.clock() + self.trigger_seconds
        self._triggers[trigger_id] = _Trigger(user=user, expires=expires, in_modal=in_modal)
        return trigger_id

    def _exchange(self, trigger_id: str) -> _Trigger:
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.state.clock() > trigger.expires:
            raise SlackError("expired_trigger_id")
        return trigger

    # --- what the app does ---

    def open(self, trigger_id: str, view: Any) -> View:
        """Put a form in front of the person of *trigger_id*."""
        trigger = self._exchange(trigger_id)
        checked = check_view(view, home=False)
        self._unique(checked)
        trigger.used = True
        if self.stacks.get(trigger.user):
            # A form that is open already is covered, as by a push.
            return self._push(trigger, checked)
        made = self._made(checked)
        made["root_view_id"] = made["id"]
        self.stacks[trigger.user] = [made]
        self.note(trigger.user)
        return made

    def push(self, trigger_id: str, view: Any) -> View:
        """Put a form above the one in which *trigger_id* arose."""
        trigger = self._exchange(trigger_id)
        if not trigger.in_modal or not self.stacks.get(trigger.user):
            raise SlackError("invalid_trigger_id")
        checked = check_view(view, home=False)
        self._unique(checked)
        made = self._push(trigger, checked)
        trigger.used = True
        return made

    def _push(self, trigger: _Trigger, checked: View) -> View:
        return self.stack_on(trigger.user, checked)

    def stack_on(self, user: str, checked: View) -> View:
        """Put a checked form above the others."""
        stack = self.stacks[user]
        if len(stack) >= _MAX_STACK:
            raise SlackError("push_limit_reached")
        made = self._made(checked)
        made.update(root_view_id=stack[0]["id"], previous_view_id=stack[-1]["id"])
        stack.append(made)
        self.note(user)
        return made

    def update(self, *, view_id: str, external_id: str, view: Any, hash_: str) -> View:
        """Change an open form, or a Home tab, by either of its ids."""
        user, old = self._find(view_id, external_id)
        if hash_ and hash_ != old["hash"]:
            raise SlackError("hash_conflict")
        checked = check_view(view, home=old["type"] == "home")
        self._unique(checked, but=old["id"])
        return self.replace(user, old, checked)

    def replace(self, user: str, old: View, checked: View) -> View:
        """Put a checked view in the place of *old*; what was filled in stays where block and action are the same."""
        made = self._made(checked)
        for key in ("id", "root_view_id", "previous_view_id"):
            made[key] = old[key]
        if not made["external_id"]:
            made["external_id"] = old["external_id"]
        for block_id, actions in made["state"]["values"].items():
            for action_id, state in actions.items():
                typed = old["state"]["values"].get(block_id, {}).get(action_id)
                if typed is not None and typed["type"] == state["type"]:
                    actions[action_id] = typed
        if old["type"] == "home":
            self.homes[user] = made
            self.state.changes.note(f"home {user}")
        else:
            stack = self.stacks[user]
            stack[stack.index(old)] = made
            self.note(user)
        return made

    def publish(self, user: str, view: Any, hash_: str) -> View:
        """Show a Home tab."""
        old = self.homes.get(user)
        if hash_ and old is not None and hash_ != old["hash"]:
            raise SlackError("hash_conflict")
        made = self._made(check_view(view, home=True))
        made["root_view_id"] = made["id"] = old["id"] if old else made["id"]
        self.homes[user] = made
        self.state.changes.note(f"home {user}")
        return made

    # --- what people do ---

    def top(self, user: str, view_id: str) -> View:
        """The form on top, which must be the one meant. Raises LookupError."""
        stack = self.stacks.get(user) or []
        if not stack or stack[-1]["id"] != view_id:
            raise LookupError(f"the form {view_id} is not on top for {user}")
        return stack[-1]

    def shown(self, user: str, view_id: str) -> View:
        """The form on top or the Home tab of that id. Raises LookupError."""
        home = self.homes.get(user)
        return home if home is not None and home["id"] == view_id else self.top(user, view_id)

    def pop(self, user: str, *, everything: bool = False) -> list[View]:
        """Close the form on top, or all; returns the closed ones, top first."""
        stack = self.stacks.get(user, [])
        closed = stack[::-1] if everything else stack[-1:]
        self.stacks[user] = stack[: len(stack) - len(closed)]
        self.note(user)
        return closed

    def note(self, user: str) -> None:
        """Tell the page that a person's forms changed."""
        self.state.changes.note(f"view {user}")

    # --- inside ---

    def _find(self, view_id: str, external_id: str) -> tuple[str, View]:
        everyone = [(user, view) for user, stack in self.stacks.items() for view in stack]
        for user, view in [*everyone, *self.homes.items()]:
            if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                return user, view
        raise SlackError("not_found")

    def _unique(self, checked: View, *, but: str = "") -> None:
        external_id = checked.get("external_id")
        for stack in self.stacks.values():
            for view in stack:
                if external_id and view["external_id"] == external_id and view["id"] != but:
                    raise SlackError("duplicate_external_id")

    def _made(self, checked: View) -> View:
        state, now = self.state, self.state.clock()
        view: View = {
            "id": fresh_id("V"),
            "team_id": state.team_id,
            "type": checked["type"],
            "blocks": copy.deepcopy(checked["blocks"]),
            "private_metadata": checked.get("private_metadata") or "",
            "callback_id": checked.get("callback_id") or "",
            "state": {"values": initial_state(checked["blocks"])},
            "hash": f"{now:.0f}.{secrets.token_urlsafe(6)}",
            "title": checked.get("title"),
            "clear_on_close": bool(checked.get("clear_on_close")),
            "notify_on_close": bool(checked.get("notify_on_close")),
            "close": checked.get("close"),
            "submit": checked.get("submit"),
            "previous_view_id": None,
            "root_view_id": None,
            "app_id": state.app_id,
            "external_id": checked.get("external_id") or "",
            "app_installed_team_id": state.team_id,
            "bot_id": state.bot_id,
        }
        return view
