"""Tables, which the tree does not know: in columns where they hold data, as their text where they hold a layout."""

from collections.abc import Sequence
from itertools import zip_longest

from bot.conversion.text.inlines import words
from bot.conversion.text.tree import Block, Code, Paragraph

# A table of other measures is there for the layout.
_COLUMNS = range(2, 21)
_WIDEST_CELL = 60  # characters


def as_blocks(rows: Sequence[Sequence[tuple[Block, ...]]]) -> list[Block]:
    """A table of short cells as `Code` in columns, any other as the blocks of its cells."""
    cells = [[_cell(blocks) for blocks in row] for row in rows if any(row)]
    texts = [[text for text in row if text is not None] for row in cells]
    if texts != cells or max(map(len, texts), default=0) not in _COLUMNS:
        return [block for row in rows for blocks in row for block in blocks]
    widths = [max(map(len, column)) for column in zip_longest(*texts, fillvalue="")]
    lines = (" | ".join(map(str.ljust, row, widths)).rstrip() for row in texts)
    return [Code("\n".join(lines))]


def _cell(blocks: tuple[Block, ...]) -> str | None:
    """A cell's text, if it is a short line."""
    match blocks:
        case ():
            return ""
        case (Paragraph(content),):
            text = "".join(map(words, content))
            return text if len(text) <= _WIDEST_CELL and "\n" not in text else None
        case _:
            return None
