"""No text can become markup in any rendering, and no rendering loses a word, a style or a link."""

from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings, strategies as st
from lxml import html as oracle
from markdown_it import MarkdownIt

from bot.conversion.text.inlines import caption, portions, words
from bot.conversion.text.plain import to_plain
from bot.conversion.text.read_html import from_html
from bot.conversion.text.read_markdown import from_markdown
from bot.conversion.text.tree import Code, Document, Item, Link, List, Mention, Paragraph, Quote, Rule, Run, Style
from bot.conversion.text.write_html import to_html
from bot.conversion.text.write_markdown import to_markdown
from tests.conversion.text.text_trees import documents, outline, shown, squeezed, styled

COMMONMARK = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
STYLES = {"strong": "bold", "em": "italic", "s": "strike", "code": "code"}
KNOWN = {*STYLES, "div", "p", "br", "a", "pre", "blockquote", "ul", "ol", "li", "hr", *(f"h{n}" for n in range(1, 7))}


def parsed(markup):
    return oracle.fragment_fromstring(markup, create_parent="div")


def letters(element, styles=frozenset(), href="", *, pre=False):
    """Every visible character outside of code blocks, with its style and its link, as a browser would have it."""
    pre = pre or element.tag == "pre"
    styles |= {STYLES[element.tag]} if element.tag in STYLES else set()
    href = element.get("href", href)
    found = []
    for text, inside in [(element.text, True)] + [(child, None) for child in element]:
        if inside:
            found += [] if pre else [(letter, styles, href) for letter in text or "" if letter.strip()]
            continue
        found += letters(text, styles, href, pre=pre)
        found += [] if pre else [(letter, styles, href) for letter in text.tail or "" if letter.strip()]
    return [(letter, styles, unquote(href)) for letter, styles, href in found]


def expected_letters(document):
    names = ("bold", "italic", "strike", "code")
    return [
        (letter, frozenset(name for name in names if getattr(style, name)), unquote(url))
        for letter, style, url in styled(document.blocks)
    ]


@given(documents)
@settings(max_examples=250, deadline=None)
@example(Document((Paragraph((Run("a", Style(bold=True)), Run("b"), Run('"c"', Style(italic=True)), Run("d"))),)))
@example(Document((Paragraph((Run("!"), Link("http://a.example", "x"))), Paragraph((Run("|\n:-"),)))))
@example(Document((List((Item((Rule(),)), Item(()))), List((Item((Code("```\n\n~"),)),)))))
def test_markdown_shows_each_character_in_its_style_and_nothing_else(document):
    page = parsed(COMMONMARK.render(to_markdown(document)))

    assert expected_letters(document) == letters(page)
    assert set() == {element.tag for element in page.iter()} - KNOWN


@given(documents)
@settings(max_examples=150, deadline=None)
def test_s10_html_shows_each_character_in_its_style_and_nothing_else(document):
    page = parsed(to_html(document))

    assert expected_letters(document) == letters(page)
    assert set() == {element.tag for element in page.iter()} - KNOWN
    assert {"href", "start"} >= {name for element in page.iter() for name in element.attrib}


@given(documents)
@settings(max_examples=100, deadline=None)
def test_code_blocks_come_out_to_the_letter_in_markdown_and_html(document):
    codes = [block.text for block in document.blocks if isinstance(block, Code)]
    tops = (part for part in COMMONMARK.parse(to_markdown(document)) if part.type == "fence" and part.level == 0)

    assert codes == [token.content.removesuffix("\n") for token in tops]
    assert [squeezed(code) for code in codes] == [
        squeezed(element.text_content()) for element in parsed(to_html(document)) if element.tag == "pre"
    ]


@given(documents)
@settings(max_examples=150, deadline=None)
def test_html_comes_back_with_the_structure_it_left_with(document):
    assert outline(document.blocks) == outline(from_html(to_html(document)).blocks)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_plain_text_holds_every_word_in_order(document):
    remaining = iter(squeezed(to_plain(document)))

    assert all(letter in remaining for letter in squeezed("".join(shown(document.blocks))))


def test_a_document_comes_back_from_html_and_from_markdown_as_it_was():
    bold, both = Style(bold=True), Style(bold=True, italic=True)
    inner = List((Item((Paragraph((Run("deep"),)),)),), ordered=True, start=3)
    code = Run("x = 1", Style(code=True))
    document = Document((
        Paragraph((Run("Hello "), Run("big", bold), Run(" "), Run("bad", both), Run("\nworld "), code)),
        List((Item((Paragraph((Run("one"),)), inner)), Item((Paragraph((Run("two"),)),)))),
        Quote((Paragraph((Run("said"),)), Code("if a < b:\n    pass"))),
        Rule(),
        Paragraph((Link("https://example.com/a", "the page"), Run(" and "), Link("http://b.example", "http://b.example"))),
    ))  # fmt: skip

    assert document == from_html(to_html(document))
    assert document == from_markdown(to_markdown(document))


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        ("our page", "our page"),
        ("example.com", "example.com"),
        ("https://www.example.com/", "https://www.example.com/"),
        ("bank.example", "bank.example (https://example.com/x)"),
        ("example.com.evil.example", "example.com.evil.example (https://example.com/x)"),
        ("Log in at example.com!", "Log in at example.com!"),
        ("version 1.2.3, e.g. here", "version 1.2.3, e.g. here"),
        ("bank.example:443/login", "bank.example:443/login (https://example.com/x)"),
        ("192.168.1.1:8080", "192.168.1.1:8080 (https://example.com/x)"),
        ("example.com, not bank.example", "example.com, not bank.example (https://example.com/x)"),
        ("bank.exam\u200bple\u202e", "bank.example (https://example.com/x)"),
    ],
)
def test_a_label_that_pretends_to_be_another_address_is_shown_with_the_true_one(label, seen):
    document = Document((Paragraph((Link("https://example.com/x", label),)),))

    assert seen == parsed(to_html(document)).text_content()
    assert seen == parsed(COMMONMARK.render(to_markdown(document))).text_content().strip()


schemes = st.sampled_from(["", "https://", "HTTP://", "ftp://"])
hosts = st.sampled_from(["bank.example", "www.bank.example", "support@bank.example", "10.0.0.1", "bank\uff0eexample"])
pretended = st.tuples(schemes, hosts, st.sampled_from(["", ":443", "/login"])).map("".join)
around = st.text(st.sampled_from(" .,:;!?()[]<>'\"«»…→*_-\u00ad\u200b\u2060\u202e\u2066\u2069"), max_size=4)
targets = ["https://evil.example/x", "https://bank.example.evil.example", "mailto:bank.example@evil.example"]


@given(around, pretended, around, st.sampled_from(targets))
@settings(max_examples=400, deadline=None)
def test_s11_no_label_names_another_address_without_the_true_one(before, address, after, target):
    assert target in caption(Link(target, f"{before}{address}{after}"))


def test_the_true_address_stands_behind_a_label_once():
    ((shown,),) = portions([Link("https://evil.example", "at bank.example")], 3_000)

    assert isinstance(shown, Link)
    assert "at bank.example (https://evil.example)" == caption(shown) == words(shown)


@pytest.mark.parametrize("unit", ["a", "a.", "1.", "a@", "a+", "a://", "a-.", "\u0301", "\u200b"])
def test_hundreds_of_thousands_of_characters_of_a_label_are_read(unit):
    assert caption(Link("https://a.example", unit * (200_000 // len(unit))))


def test_plain_text_is_readable():
    inner = List((Item((Paragraph((Run("inner"),)),)),))
    document = Document((
        Paragraph((Run("Ask "), Mention("@Ada"), Run(" at "), Link("https://example.com", "the page"))),
        List((Item((Paragraph((Run("first\nline two"),)), inner)),), ordered=True, start=9),
        Quote((Paragraph((Run("a\nb"),)), Paragraph((Run("c"),)))),
        Code("x\n  y"),
        Rule(),
    ))  # fmt: skip

    assert """Ask @Ada at the page (https://example.com)

9. first
   line two
   • inner

> a
> b
>
> c

x
  y

---""" == to_plain(document)
