"""Reads the sources: which awaits of the worker's and the front's path touch Redis, Slack or a desk, and their names.

A name is ``room.module.function receiver.method``, such as ``conversion.messages._show lanes.add``, and the second of
one name in a function ends with 2. What is handed to a task counts as awaited there. Each await is either *ours* (it
leads to a function whose own awaits are read), a *wait* for something in this process, or a *touch*. What is none of
them by the tables below is a touch too, so that whoever writes a new one must say what it is.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).parents[3]

BEHIND = frozenset({"voice", "threads", "people", "files", "replies", "web", "pace", "refusals"})
"""Modules of the Slack room that stand behind a port; whatever they send is seen where it leaves the process."""
ELSEWHERE = frozenset({"reconcile"})
"""Modules that only the command line uses."""

TOUCHED = frozenset(
    {"lanes", "links", "breakers", "mappings", "scratch", "store"}  # Redis
    | {"threads", "voice", "web", "client", "call", "super"}  # Slack
    | {"desk", "old", "shared", "desks"}  # a desk
)
"""Receivers whose methods touch."""
HARMLESS = frozenset({"call.ack", "client.is_connected", "lanes.wake"})
"""Their methods that do not."""
OURS = frozenset(
    {"self", "cls", "journal", "people", "delivery", "pull", "intake", "catalogue", "tickets", "agents", "moving"}
    | {"messages", "edits", "display", "steps", "sweep", "events", "access", "allowance", "answers", "assigning"}
    | {"form", "results", "sources", "later", "interactions", "deliver", "batch", "app", "bolt", "router", "home"}
    | {"socket", "front", "threadline", "worker", "doctor"}
)
"""Receivers whose methods are read themselves, or lead to such."""
WAITS = frozenset({"asyncio", "stop", "stack", "ear", "stopping"})
"""Receivers that only have this process wait for itself."""
CALLBACKS = frozenset(
    {"act", "look", "handler", "work", "listen", "part", "ack", "AsyncExitStack"}
    | {"self._held_back", "self._interaction"}
)
"""Functions that others in the path hand over, whose own awaits are read where they stand, and such as only wait."""


@dataclass(frozen=True, slots=True)
class Await:
    """One await: ``place`` is where its expression stands, as line, end line, column, end column."""

    name: str
    touches: bool
    file: Path
    place: tuple[int, int, int, int]


def path() -> Iterator[Path]:
    """The modules of the worker's and the front's path."""
    for room in ("conversion", "slack"):
        for file in sorted((ROOT / "bot" / room).glob("*.py")):
            if file.stem not in (BEHIND if room == "slack" else ELSEWHERE):
                yield file
    yield ROOT / "bot" / "wiring.py"


@cache
def everywhere() -> Mapping[Path, tuple[Await, ...]]:
    """All awaits of the path, by file."""
    return {file: tuple(read(file.read_text(), file)) for file in path()}


def touches() -> list[str]:
    """The names of all that touch, in the order of the files."""
    return [one.name for found in everywhere().values() for one in found if one.touches]


def read(source: str, file: Path) -> Iterator[Await]:
    """The awaits of one module."""
    module = ast.parse(source)
    ours = {one.name for one in ast.walk(module) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    ours |= {one.name for one in ast.walk(module) if isinstance(one, ast.ClassDef)}
    for one in ast.walk(module):
        if isinstance(one, ast.ImportFrom) and str(one.module).startswith(("bot.conversion", "bot.slack")):
            ours |= {alias.asname or alias.name for alias in one.names}
    room = file.parent.name if file.parent.name != "bot" else "bot"
    seen: Counter[str] = Counter()
    for function, node, around in _awaited(module, ()):
        what = f"{_receiver(node)}.{_method(node)}".strip(".")
        name = f"{room}.{file.stem}.{function} {what}"
        seen[name] += 1
        numbered = name if seen[name] == 1 else f"{name} {seen[name]}"
        place = (around.lineno, around.end_lineno or 0, around.col_offset, around.end_col_offset or 0)
        yield Await(numbered, _touches(node, what, ours), file, place)


def _awaited(node: ast.AST, within: tuple[str, ...]) -> Iterator[tuple[str, ast.expr, ast.expr | ast.stmt]]:
    """What is awaited in each function, in the order of the source, and what awaits it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _awaited(child, (*within, child.name))
            continue
        function = ".".join(within)
        match child:
            case ast.Await(value=ast.IfExp(body=one, orelse=other)):
                yield function, one, child
                yield function, other, child
            case ast.Await(value=value):
                yield function, value, child
            case ast.AsyncFor(iter=value):
                yield function, value, child
            case (
                ast.ListComp(generators=loops)
                | ast.SetComp(generators=loops)
                | ast.DictComp(generators=loops)
                | ast.GeneratorExp(generators=loops)
            ):
                for loop in loops:
                    if loop.is_async:
                        yield function, loop.iter, child
            case ast.AsyncWith(items=items):
                for item in items:
                    yield function, item.context_expr, child
            case ast.Call(func=ast.Attribute(attr="create_task" | "gather" | "shield" | "wait_for"), args=handed):
                for call in (one for argument in handed for one in ast.walk(argument) if isinstance(one, ast.Call)):
                    if _receiver(call) in TOUCHED:
                        yield function, call, child
        yield from _awaited(child, within)


def _touches(node: ast.expr, what: str, ours: set[str]) -> bool:
    if not isinstance(node, ast.Call):  # a task or a future of this process
        return not isinstance(node, ast.Name | ast.Attribute)
    receiver, method = _receiver(node), _method(node)
    if what in HARMLESS | CALLBACKS or receiver in WAITS:
        return False
    if receiver in TOUCHED:
        return True
    if not receiver:
        return method not in ours | CALLBACKS
    return receiver not in OURS | ours or (receiver == "self" and method not in ours)


def _receiver(node: ast.expr) -> str:
    """Whose method is called: ``links`` in ``self._rooms.links.get(...)``; empty for a plain function."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return ""
    owner = node.func.value
    while isinstance(owner, ast.Call | ast.Subscript):  # `Run(...)`, `super()`, `desks.get(...)`
        owner = owner.func if isinstance(owner, ast.Call) else owner.value
    if isinstance(owner, ast.IfExp):
        owner = owner.body
    return (owner.attr if isinstance(owner, ast.Attribute) else ast.unparse(owner)).lstrip("_")


def _method(node: ast.expr) -> str:
    if not isinstance(node, ast.Call):
        return ast.unparse(node)
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


# --- at run time ------------------------------------------------------------------------------------------------------


def where(frame: FrameType | None) -> tuple[str, str]:
    """The kind of work, and the point that is being passed for it; the point is empty where none is known.

    The outermost of the path's frames counts that touches: what stands behind a port belongs to whoever asked.
    """
    name, work = "", "front"
    while frame is not None:
        if found := _by_code(frame.f_code, frame.f_lasti):
            name = found
        owner = frame.f_locals.get("self") if frame.f_code.co_name in {"carry_out", "_lane"} else None
        if frame.f_code.co_name == "carry_out" and owner is not None:
            work = str(owner._work.kind)
        elif work == "front" and frame.f_code.co_qualname.startswith("Worker."):
            work = "worker"
        frame = frame.f_back
    return work, name


@cache
def _by_code(code: CodeType, instruction: int) -> str:
    awaits = everywhere().get(Path(code.co_filename))
    if not awaits:
        return ""
    place = tuple(part if part is not None else -1 for part in list(code.co_positions())[instruction // 2])
    here = [one.name for one in awaits if one.place == place and one.touches]
    return here[0] if here else ""
