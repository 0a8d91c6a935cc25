"""The Web API's functions.* methods: how the app ends a step of a workflow."""

from typing import Any

from bot.sandbox.slack.calls import Call, Method, method
from bot.sandbox.slack.errors import SlackError


async def _complete(call: Call) -> dict[str, Any]:
    steps = call.workspace.steps
    found = steps.running(call.need("function_execution_id"))
    outputs = call.structure("outputs")
    parameters = steps.functions[found.function]["output_parameters"]
    required = {name for name, one in parameters.items() if one.get("is_required")}
    if not isinstance(outputs, dict) or not required <= set(outputs) <= set(parameters):
        raise SlackError("parameter_validation_failed")
    if not all(isinstance(value, str) for value in outputs.values()):  # the only type that our manifest has
        raise SlackError("parameter_validation_failed")
    found.state, found.outputs = "completed", outputs
    return {}


async def _fail(call: Call) -> dict[str, Any]:
    found = call.workspace.steps.running(call.need("function_execution_id"))
    found.error = call.need("error")
    found.state = "failed"
    return {}


METHODS: dict[str, Method] = {
    "functions.completeSuccess": method(_complete, per_minute=50, takes_json=True),
    "functions.completeError": method(_fail, per_minute=50, takes_json=True),
}
