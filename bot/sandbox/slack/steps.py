"""Steps of Workflow Builder: their definitions in the app's manifest, and each execution until the app ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.elements import NotOffered
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.state import fresh_id


@dataclass(kw_only=True)
class Execution:
    """A run of a step. ``state`` is ``running``, ``completed`` or ``failed``."""

    function: str
    state: str = "running"
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Steps:
    """What the manifest defines under ``functions``, and what was run of it."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self.functions = dict(functions)
        self.executions: dict[str, Execution] = {}

    def begin(self, function: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Run a step; gives its execution's id and the ``function_executed`` event.

        Raises:
            NotOffered: the manifest has no such step, or Workflow Builder would not let it run with these inputs.
        """
        found = self.functions.get(function)
        if found is None:
            raise NotOffered(f"the app's manifest has no step {function}")
        parameters = found["input_parameters"]
        lacking = [name for name, one in parameters.items() if one.get("is_required") and not inputs.get(name)]
        if lacking or set(inputs) - set(parameters):
            raise NotOffered(f"inputs lacking or unknown: {lacking or sorted(set(inputs) - set(parameters))}")
        execution = fresh_id("Fx")
        self.executions[execution] = Execution(function=function)
        event = {
            "type": "function_executed",
            "function": {
                "id": fresh_id("Fn"),
                "callback_id": function,
                "title": found["title"],
                "description": found.get("description", ""),
                "type": "app",
                "input_parameters": list(parameters.values()),
                "output_parameters": list(found["output_parameters"].values()),
            },
            "inputs": dict(inputs),
            "function_execution_id": execution,
            "workflow_execution_id": fresh_id("Wx"),
            "bot_access_token": f"xwfp-sandbox-{execution}",
        }
        return execution, event

    def running(self, execution: str) -> Execution:
        """An execution that can be ended. Raises SlackError."""
        found = self.executions.get(execution)
        if found is None:
            raise SlackError("function_execution_not_found")
        if found.state != "running":
            raise SlackError("execution_not_in_running_state")
        return found
