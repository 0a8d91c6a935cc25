"""The desks' pages say what the code says."""

import pytest

from adapters.registry import KINDS
from tests.adapters.docs_pages import PAGES, current, generated

HEADINGS = ["## Settings", "## What it can do", "## Limitations and quirks"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_current_and_has_the_three_headings(kind: str):
    page = (PAGES / f"{kind}.md").read_text()

    assert page == current(page, generated(kind)), "run python -m tests.adapters.docs_pages --write"
    assert HEADINGS == [line for line in page.splitlines() if line.startswith("## ")]


@pytest.mark.parametrize("page", ["", "<!-- from the code: a -->", "<!-- end -->"])
def test_a_page_without_its_markers_is_named(page: str):
    with pytest.raises(ValueError, match="from the code: a"):
        current(page, {"a": "text"})
