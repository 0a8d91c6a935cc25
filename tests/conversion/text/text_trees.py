"""Trees of every shape, hostile texts, and the plain facts about a tree that every rendering must keep."""

from collections.abc import Iterable, Iterator

from hypothesis import strategies as st

from bot.conversion.text.clean import clean_text
from bot.conversion.text.inlines import caption, paragraphs
from bot.conversion.text.tree import (
    Block,
    Code,
    Document,
    Emoji,
    Heading,
    Inline,
    Item,
    Link,
    List,
    Mention,
    Paragraph,
    Quote,
    Rule,
    Run,
    Style,
)

_WORDS = """
<!channel> <!here|here> <@U0123ABCD> <#C0123|general> <!subteam^S1|@ops> <https://evil.example|bank>
@here @channel &lt;!channel&gt; &amp;lt; &copy; &#42; & *b* **b** _i_ __i__ ~s~ ~~s~~ `c` ``` ~~~
[a](https://evil.example) ![a](https://evil.example/x.png) [a]:https://evil.example [a][b] <https://evil.example>
<b> </p> <script>alert(1)</script> <img/src=x/onerror=alert(1)> <!-- --> <![CDATA[ <?php
# - -- + * 1. 1) > --- === *** ___ |a|b| |-|-| :- :-| | \\ ! ** _ ~ ` [ ] ( ) javascript:alert(1) www.example.com
a@b.example :smile: { } $x$ ^ ' " = é 字 😀
"""
HOSTILE = [
    *_WORDS.split(),
    "\n",
    "\n\n",
    "    ",
    "\t",
    "  \n",
    "# h",
    "- a",
    "1. a",
    "> q",
    "\n---",
    "\n===",
    "\u00a0",
    "\u200b",
    "\u0301",
]

hostile_text = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=6) | st.sampled_from("ab 1.x"), max_size=8).map(
    lambda parts: clean_text("".join(parts))
)
styles = st.builds(Style, *[st.booleans()] * 4)
runs = st.builds(Run, hostile_text, styles)
labels = hostile_text.map(lambda text: " ".join(text.split()) or "label")
links = st.builds(
    Link,
    st.sampled_from(["https://example.com/a_b*c(d)?x=1&copy;=2#[e]", "http://a.example", "mailto:a@b.example"]),
    labels | st.just("http://a.example"),
    styles,
)
mentions = st.builds(Mention, labels.map(lambda name: f"@{name}"), styles)
emojis = st.sampled_from([Emoji("smile", "😄"), Emoji("party_parrot"), Emoji("+1", "👍")])
content = st.lists(runs | links | mentions | emojis, max_size=5).map(tuple)
codes = st.builds(Code, hostile_text)


def _deeper(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    blocks = st.lists(inner, max_size=3).map(tuple)
    items = st.lists(st.builds(Item, blocks), min_size=1, max_size=3).map(tuple)
    return st.builds(Quote, blocks) | st.builds(List, items, st.booleans(), st.sampled_from([1, 1, 3, 10]))


leaves: st.SearchStrategy[Block] = (
    st.builds(Paragraph, content) | st.builds(Heading, content, st.integers(1, 6)) | codes | st.just(Rule())
)
documents = st.lists(st.recursive(leaves, _deeper, max_leaves=6), max_size=4).map(lambda found: Document(tuple(found)))


def squeezed(text: str) -> str:
    """*text* without any blank: what must be the same in every rendering."""
    return "".join(text.split())


def shown(blocks: Iterable[Block]) -> Iterator[str]:
    """The text that a reader sees of *blocks*, without the marks of lists and quotes."""
    for block in blocks:
        match block:
            case Paragraph(content) | Heading(content):
                yield from map(_shown, content)
                yield "\n"
            case Code(text):
                yield f"{text}\n"
            case Quote(inner):
                yield from shown(inner)
            case List(items):
                for item in items:
                    yield from shown(item.blocks)
            case Rule():
                pass


def _shown(inline: Inline) -> str:
    match inline:
        case Run(text):
            return text
        case Link():
            return caption(inline)
        case Mention(name):
            return name
        case Emoji(name, characters):
            return characters or f":{name}:"


def styled(blocks: Iterable[Block]) -> list[tuple[str, Style, str]]:
    """Every visible character of paragraphs and headings with its style and its link."""
    found: list[tuple[str, Style, str]] = []
    for block in blocks:
        match block:
            case Paragraph(content) | Heading(content):
                for inline in content:
                    style = Style() if isinstance(inline, Emoji) else inline.style
                    target = inline.url if isinstance(inline, Link) else ""
                    found += [(letter, style, target) for letter in _shown(inline) if letter.strip()]
            case Quote(inner):
                found += styled(inner)
            case List(items):
                for item in items:
                    found += styled(item.blocks)
            case _:
                pass
    return found


def outline(blocks: Iterable[Block]) -> list[object]:
    """The structure of *blocks* alone: which block holds which, without empty ones."""
    found: list[object] = []
    for block in blocks:
        match block:
            case Paragraph(content) | Heading(content):
                found += [type(block).__name__] * len(paragraphs(content))
            case Code(text) if text.strip():
                found.append("Code")
            case Quote(inner) if kept := outline(inner):
                found.append(("Quote", kept))
            case List(items) if kept := list(filter(None, (outline(item.blocks) for item in items))):
                found.append((block.ordered, block.start if block.ordered else 1, kept))
            case Rule():
                found.append("Rule")
            case _:
                pass
    return found
