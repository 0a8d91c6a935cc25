"""What is read from desks' HTML and Markdown, and that no input is too odd or too big to read."""

import re

import pytest
from hypothesis import example, given, settings, strategies as st

from bot.conversion.text import read_html, read_markdown
from bot.conversion.text.inlines import ADDRESS_LIMIT
from bot.conversion.text.plain import from_plain, to_plain
from bot.conversion.text.read_html import from_html
from bot.conversion.text.read_markdown import from_markdown
from bot.conversion.text.tree import (
    Code,
    Document,
    Heading,
    Item,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Run,
    Style,
    paragraph,
)
from tests.conversion.text.text_trees import HOSTILE, styled

BOLD = Style(bold=True)
TAGS = [
    "<b>",
    "</b>",
    "<a href='http://a.example'>",
    "</a>",
    "<ul>",
    "</ul>",
    "<ol start=5>",
    "<li>",
    "</li>",
    "<pre>",
    "</pre>",
]
TAGS += [
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "<blockquote>",
    "</blockquote>",
    "<p>",
    "</p>",
    "<h2>",
    "</h2>",
    "<br>",
]
odd_markup = st.lists(st.sampled_from(HOSTILE + TAGS) | st.text(max_size=5), max_size=25).map("".join)

OUTLOOK = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><title>RE: Printer</title><style><!--
p.MsoNormal {margin:0cm;}
--></style><!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit"/></xml><![endif]--></head>
<body lang=EN-US><div class=WordSection1><p class=MsoNormal>Hello&nbsp;Ada,<o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoNormal>Please <b>restart <i>it</i></b> &amp; see
<a href="https://example.com/a?b=1&amp;c=2">the <b>guide</b></a>.<![if !supportLists]><br><![endif]>Thanks</p>
<!--[if !mso]><!--><p>Bye</p><!--<![endif]--><img src="data:image/png;base64,iVBORw0KGgo=" alt="logo"></div></body>
</html>"""


def test_a_mail_of_outlook_gives_its_words_its_styles_and_its_links():
    document = from_html(OUTLOOK)

    assert Document((
        paragraph("Hello Ada,"),
        Paragraph((
            Run("Please "), Run("restart ", BOLD), Run("it", Style(bold=True, italic=True)), Run(" & see "),
            Link("https://example.com/a?b=1&c=2", "the guide"), Run(".\nThanks"),
        )),
        paragraph("Bye"),
        paragraph("[logo]"),
    )) == document  # fmt: skip


def test_nested_lists_come_out_nested_however_they_are_written():
    inside = from_html("<ul><li>a<ol start=4><li>b</li></ol></li><li>c</li></ul>")
    between = from_html("<ul><li>a</li><ol start=4><li>b</ol><li>c</ul>")

    inner = List((Item((paragraph("b"),)),), ordered=True, start=4)
    expected = Document((List((Item((paragraph("a"), inner)), Item((paragraph("c"),)))),))
    assert (expected, expected) == (inside, between)


def test_a_table_of_data_becomes_columns_and_a_table_for_layout_its_paragraphs():
    data = from_html("<table><tr><th>Part<th>Price<tr><td>Toner<td>40 &euro;</table>")
    layout = from_html(
        "<table><tr><td><p>one</p><p>two</p></td><td><table><tr><td>three</td></tr></table></td></tr></table>"
    )

    assert Document((Code("Part  | Price\nToner | 40 €"),)) == data
    assert Document((paragraph("one"), paragraph("two"), paragraph("three"))) == layout


def test_quotes_code_headings_and_rules_are_kept():
    document = from_html("<h3>Log</h3><hr><blockquote>old<br>words</blockquote><pre>\n  a &lt; b\n\tc</pre>")

    expected = (Heading((Run("Log"),), 3), Rule(), Quote((paragraph("old\nwords"),)), Code("  a < b\n\tc"))
    assert Document(expected) == document


@pytest.mark.parametrize(
    "html",
    [
        "seen<script>hidden</script>",
        "seen<style>hidden</style>",
        "seen<!-- hidden -->",
        "seen<!-- hidden",
        "<title>hidden</title>seen",
        "seen<svg><title>hidden</title><text>hidden</text></svg>",
        "seen<![CDATA[hidden]]>",
        "seen<?php hidden ?>",
        "seen<!hidden>",
        "<p title='hidden>'>seen",
    ],
)
def test_what_a_browser_does_not_show_is_not_shown(html):
    assert "seen" == to_plain(from_html(html))


LONG = f"https://a.example/{'x' * ADDRESS_LIMIT}"
NO_LINKS = ["file:///srv/a.doc", "tel:+390551234", "/kb?id=7", "//a.example/x", "ftp://a.example", "a.html", LONG]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", " JaVaScRiPt:alert(1)", "#top", ""])
def test_of_a_link_that_leads_nowhere_the_words_stay(address):
    assert Document((paragraph("words"),)) == from_html(f'<a href="{address}">words</a>')


@given(st.sampled_from([*NO_LINKS, "https://a.example"]), st.sampled_from(["", "<b>", "<p>", "<li>", "<pre>"]))
@example("/kb?id=7", "<img src='https://i.example'>")
def test_an_address_stands_behind_its_words_whatever_it_is(address, inside):
    for html in (f"<a href='{address}'>{inside}Words", f"<pre><a href='{address}'>{inside}Words</a></pre>"):
        assert re.search(rf"Words\s+\({re.escape(address)}\)$", to_plain(from_html(html)))


def test_an_address_within_the_desk_stands_behind_its_words_in_markdown():
    assert "invoice (/viewinvoice.php?id=77) is due" == to_plain(
        from_markdown("[invoice](/viewinvoice.php?id=77) is due")
    )


@pytest.mark.parametrize("address", ["tel:+390551234", "mailto:a@b.example", "https://a.example"])
def test_an_address_that_is_its_own_words_is_said_once(address):
    label = address.removeprefix("tel:").removeprefix("mailto:")

    assert label == to_plain(from_html(f"<a href='{address}'>{label}</a>"))
    assert label == to_plain(from_html(f"<pre><a href='{address}'>{label}</a></pre>"))


@given(st.lists(st.sampled_from(["div", "p", "li", "td", "h2", "blockquote"]), min_size=1, max_size=6))
def test_lines_of_preformatted_text_stay_lines_whatever_makes_them(tags):
    lines = [f"line {number}" for number in range(len(tags))]
    html = "".join(f"<{tag}>{line}</{tag}>" for tag, line in zip(tags, lines, strict=True))

    assert Document((Code("\n".join(lines)),)) == from_html(f"<pre>{html}</pre>")


def test_a_number_that_is_raised_or_lowered_does_not_join_the_one_before_it():
    html = "10<sup>6</sup> rows, 10<sup>-<b>3</b></sup> s, 1010<sub>2</sub>, on the 1<sup>st</sup>, or<sup></sup> 2"

    assert "10^6 rows, 10^-3 s, 1010_2, on the 1st, or 2" == to_plain(from_html(html))


def test_entities_are_read_once():
    assert "&lt;b&gt; & <i>" == to_plain(from_html("&amp;lt;b&amp;gt; &amp; &lt;i&gt;"))
    assert "&lt;b&gt; & <i>" == to_plain(from_markdown("&amp;lt;b&amp;gt; & &lt;i&gt;"))


def test_html_inside_markdown_is_literal():
    assert Document((paragraph("<b>x</b> <!-- y -->"),)) == from_markdown("<b>x</b> <!-- y -->")


def test_a_line_break_that_an_agent_types_in_markdown_stays_one():
    assert Document((paragraph("a\nb"), Paragraph((Run("c", BOLD),)))) == from_markdown("a\nb\n\n**c**")


def test_a_table_in_markdown_becomes_columns():
    assert Document((Code("a | bb\n1 | 2"),)) == from_markdown("|a|bb|\n|-|-|\n|1|2|")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.example/x.", "https://a.example/x"),
        ("(https://a.example/x_(y))", "https://a.example/x_(y)"),
        ("<https://a.example>", "https://a.example"),
        ("https://a.example/?q=1&r=2!", "https://a.example/?q=1&r=2"),
    ],
)
def test_addresses_in_plain_text_become_links_without_the_punctuation_around_them(text, address):
    document = from_plain(text)

    assert [address] == [url for _, _, url in styled(document.blocks) if url][:: len(address)]
    assert text == to_plain(document)


@given(odd_markup)
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_read_as_anything(text):
    for read in (from_html, from_markdown, from_plain):
        read(text)


@given(st.lists(st.sampled_from(TAGS) | st.integers(0, 9).map("word{}".format), max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_word_between_tags_is_lost_however_they_are_nested(parts):
    words = sorted(re.findall(r"word\d", "".join(parts)))

    assert words == sorted(re.findall(r"word\d", to_plain(from_html("".join(parts)))))


MARKS = [
    *("> ", ">>>", "- ", "* ", "1. ", "# ", "---", "===", "    ", "\t", " ", "\n", "\n\n", "  \n"),
    *("`", "``", "```", "~~~", "*", "**", "_", "~~", "<", "\\", "&amp;", ":", '"', "!"),
    *("[", "]", ")", "]: ", "](https://a.example)", "![", "|", "|a|b|\n|-|-|\n|", "> " * 15, "  " * 12 + "- "),
]


@given(st.lists(st.sampled_from(MARKS) | st.integers(0, 9).map("Word{}".format), max_size=25))
@settings(max_examples=500, deadline=None)
@example(["[", "Word1", "]: ", "Word2"])
@example(["```", "Word1", " ", "Word2", "\n", "Word3", "```"])
@example(["|a|b|\n|-|-|\n|", "Word1", "|", "Word2", "|", "Word3", "|"])
@example(["> " * 15, "> " * 15, "Word1"])
def test_no_word_of_markdown_is_lost_whatever_stands_around_it(parts):
    words = re.findall(r"Word\d", "".join(parts))

    assert words == re.findall(r"Word\d", to_plain(from_markdown("".join(parts))))


def test_the_language_behind_the_ticks_is_not_a_line_of_the_code():
    assert Document((Code("print(1)"),)) == from_markdown("```python\nprint(1)\n```")


def test_what_is_too_long_ends_with_a_note():
    document = from_html("<p>word</p>" * (read_html.LIMIT // 10))

    assert paragraph(read_html.TOO_LONG) == document.blocks[-1]


def test_pictures_inside_the_markup_do_not_count_as_length():
    picture = f'<img src="data:image/png;base64,{"iVBO" * read_html.LIMIT}">'

    assert Document((paragraph("[picture]"), paragraph("seen"))) == from_html(f"{picture}<p>seen</p>")


@pytest.mark.parametrize("read", [from_html, from_markdown, from_plain])
def test_words_after_the_beginning_of_a_picture_in_a_text_are_kept(read):
    text = "Put data:image/png;base64,iVBORw0KGgo then restart the server, or src='data:image/png;base64,iVBO and wait"

    assert text == to_plain(read(text))


@pytest.mark.parametrize(
    ("read", "markup", "shown"),
    [
        (from_html, "<img src='https://a.example/b.png' alt='the\nscreen'>", "[the screen] (https://a.example/b.png)"),
        (from_html, "<img src='https://a.example/b.png'>", "[picture] (https://a.example/b.png)"),
        (from_html, "<pre>a <img src='https://a.example/b.png'></pre>", "a [picture] (https://a.example/b.png)"),
        (from_html, "<a href='https://a.example'><img src='cid:1'></a>", "[picture] (https://a.example)"),
        (from_html, "<img src='/attachments/1' alt=''>", "[picture]"),
        (from_html, "<img src='https://a.example/count' width=1 height=1>seen", "seen"),
        (from_markdown, "![](https://a.example/b.png)", "[picture] (https://a.example/b.png)"),
        (from_markdown, "![screen](https://a.example/b.png)", "[screen] (https://a.example/b.png)"),
    ],
)
def test_a_picture_is_named_with_its_address(read, markup, shown):
    assert shown == to_plain(read(markup))


HOSTILE_UNITS = [
    *(
        "<",
        "<a ",
        "<a x='\">",
        "<!--",
        "<![CDATA[",
        "<?",
        "</a",
        "&#",
        "<script>",
        "<ul><li>",
        "<table><tr><td>",
        "<b>",
    ),
    *("<a href=http://a.example>x<b>", "http://a(", "data:x;base64,", "<style></s", "<!d", "a\n", "x", "&", "\\"),
    *("[", "![", "*a ", "_a*b ", "~~", "`", "> ", "- ", "[a](", "|a\n", "a|b\n-|-\n", "[a]: b\n", "* a\n "),
]


@pytest.mark.parametrize("unit", HOSTILE_UNITS)
def test_hundreds_of_thousands_of_hostile_characters_are_read(unit):
    text = unit * (200_000 // len(unit))

    assert from_html(text) is not None
    assert from_html(f"{text}>") is not None
    assert from_markdown(text[: read_markdown.LIMIT]) is not None


@pytest.mark.parametrize("unit", ["http://a(", "a\n", "a\n\n", "https://a.example "])
def test_hundreds_of_thousands_of_plain_characters_are_read(unit):
    assert from_plain(unit * (200_000 // len(unit))) is not None
