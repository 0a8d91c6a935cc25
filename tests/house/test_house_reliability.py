"""docs/reliability.md: each row of what happens when a part dies names a test, and each test named is there."""

import re
from pathlib import Path

from tests.named import names_of_tests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_each_row_of_what_happens_names_a_test():
    table = PAGE.partition("## What happens when a part dies")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 20
    assert [] == [row for row in rows if not re.search(r"`test_\w+`[^|]*\|$", row)]


def test_each_test_that_is_named_is_there():
    assert set() == set(re.findall(r"`(test_\w+)`", PAGE)) - names_of_tests()


def test_each_file_that_is_linked_is_there():
    linked = re.findall(r"\]\((?!http)([^)#]+)", PAGE)

    assert [] == [link for link in linked if not (ROOT / "docs" / link).exists()]
