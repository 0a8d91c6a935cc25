"""docs/security.md names every row of the list and only tests that are there."""

import re
from pathlib import Path

from tests.named import names_of_tests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_each_risk_has_its_row_its_control_and_its_tests():
    rows = re.findall(r"^\| (S\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*`test_[^|]+) \|$", PAGE, re.MULTILINE)

    assert [f"S{number}" for number in range(1, 23)] == [row[0] for row in rows]
    assert [] == [name for name, *_, tests in rows if f"`test_{name.lower()}_" not in tests]


def test_each_test_that_is_named_is_there():
    assert set() == set(re.findall(r"`(test_\w+)`", PAGE)) - names_of_tests()


def test_each_rule_that_is_named_is_there():
    rules = (ROOT / "tests" / "security" / "rules" / "threadline.yml").read_text()

    assert set() == set(re.findall(r"rule `([\w-]+)`", PAGE)) - set(re.findall(r"- id: ([\w-]+)", rules))
