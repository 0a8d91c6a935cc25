"""Forks bot processes from one that has imported everything: `python -m tests.crash.nursery`, asked line by line.

Each line on its input is a plan; it answers with the process id. It ends, and all of its children with it, when its
input ends.
"""

import gc
import json
import os
import signal
import sys
import traceback
from importlib import import_module

from adapters import registry
from tests.crash.bot_process import live
from tests.crash.points import awaits


def main() -> None:
    """Answer until the input ends."""
    for path in registry.KINDS.values():
        _import(path.partition(":")[0])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    gc.freeze()  # a collection in a child would copy the pages of all that it never uses
    print("ready", flush=True)  # noqa: T201 - the answer
    for line in iter(sys.stdin.readline, ""):
        if "points" in json.loads(line):
            awaits.everywhere()  # read once, for all children
        child = os.fork()
        if child == 0:
            _child(line)
        print(child, flush=True)  # noqa: T201 - the answer


def _import(module: str) -> None:
    try:
        import_module(module)
    except ImportError:  # a desk that is not there cannot be in a plan either
        return


def _child(line: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(0)
    plan = json.loads(line)
    try:
        live(plan)
    except BaseException as error:  # noqa: BLE001 - the fork must not go on in its parent's code
        if not isinstance(error, KeyboardInterrupt | SystemExit):
            with open(plan["log"], "a") as log:  # noqa: PTH123
                traceback.print_exception(error, file=log)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
