"""Cuts a block that is too long into several, between its entries, lines or words, with its formatting."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bot.conversion.text.clean import parts
from bot.conversion.text.inlines import paragraphs, portions
from bot.conversion.text.tree import Block, Code, Heading, Item, List, Paragraph, Quote

_MARKS = 10  # characters that the marks around a run count as


def smaller(block: Block, fits: Callable[[Block], bool], most: int) -> Iterator[Block]:
    """*block* whole if it *fits*, else in parts of about *most* characters.

    They fit where that leaves room for their marks, unless a link's address or deep nesting takes more.
    """
    if fits(block):
        yield block
        return
    match block:
        case Paragraph(content) | Heading(content):
            for portion in portions(content, most, around=_MARKS):
                yield from (replace(block, content=part.content) for part in paragraphs(portion))
        case Code(text):
            yield from (Code(part.removesuffix("\n")) for part in parts(text, most))
        case Quote((inner,)):
            yield from (Quote((part,)) for part in smaller(inner, lambda part: fits(Quote((part,))), most))
        case Quote(blocks) if blocks:
            half = len(blocks) // 2
            for some in (blocks[:half], blocks[half:]):
                yield from smaller(Quote(some), fits, most)
        case List((Item((first, *rest)),)):
            begun, *more = smaller(first, lambda part: fits(replace(block, items=(Item((part,)),))), most)
            yield replace(block, items=(Item((begun,)),))
            yield from (part for inner in (*more, *rest) for part in smaller(inner, fits, most))  # below their entry
        case List(items) if len(items) > 1:
            half = len(items) // 2
            yield from smaller(replace(block, items=items[:half]), fits, most)
            yield from smaller(replace(block, items=items[half:], start=block.start + half), fits, most)
        case _:
            yield block
