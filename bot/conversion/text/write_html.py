"""The tree as HTML for desks whose agents read it in a browser."""

import re
from collections.abc import Iterable
from html import escape

from bot.conversion.text.inlines import caption, merged, words
from bot.conversion.text.tree import Block, Code, Document, Heading, Inline, Item, Link, List, Paragraph, Quote, Rule

_KEPT_SPACE = re.compile(r"(?<=[\n ]) ")  # a browser would fold these
_TAGS = (("code", "code"), ("strike", "s"), ("italic", "em"), ("bold", "strong"))


def to_html(document: Document) -> str:
    """*document* as a fragment of HTML. Its text is literal: none of it can become markup."""
    return "".join(map(_block, document.blocks))


def _block(block: Block) -> str:
    match block:
        case Paragraph(content):
            return f"<p>{_inlines(content)}</p>"
        case Heading(content, level):
            return f"<h{level}>{_inlines(content)}</h{level}>"
        case Code(text):
            return f"<pre>\n{escape(text)}</pre>"  # a browser drops the first line break
        case Quote(blocks):
            return f"<blockquote>{''.join(map(_block, blocks))}</blockquote>"
        case List(items, ordered, start):
            first = f' start="{start}"' if ordered and start != 1 else ""
            name = "ol" if ordered else "ul"
            return f"<{name}{first}>{''.join(map(_item, items))}</{name}>"
        case Rule():
            return "<hr>"


def _item(item: Item) -> str:
    """An entry of a list; a single paragraph in it, or one before a nested list, needs no tags of its own."""
    first, *rest = item.blocks or (Paragraph(()),)
    if isinstance(first, Paragraph) and all(isinstance(block, List) for block in rest):
        return f"<li>{_inlines(first.content)}{''.join(map(_block, rest))}</li>"
    return f"<li>{''.join(map(_block, item.blocks))}</li>"


def _inlines(content: Iterable[Inline]) -> str:
    return "".join(map(_inline, merged(content)))


def _inline(inline: Inline) -> str:
    shown = caption(inline) if isinstance(inline, Link) else words(inline)
    markup = _KEPT_SPACE.sub("\N{NO-BREAK SPACE}", escape(shown)).replace("\n", "<br>")
    style = getattr(inline, "style", None)
    for name, tag in _TAGS:
        if getattr(style, name, False):
            markup = f"<{tag}>{markup}</{tag}>"
    if isinstance(inline, Link):
        return f'<a href="{escape(inline.url)}">{markup}</a>'
    return markup
