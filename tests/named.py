"""What pages may name: the tests that are there."""

import re
from pathlib import Path


def names_of_tests() -> set[str]:
    """The names of all tests."""
    return {
        name
        for path in Path(__file__).parent.rglob("*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
