"""How the page reads the texts of others: mrkdwn, Markdown and a desk's HTML, by its own code in the browser."""

import random
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HARMLESS = {
    *("A", "B", "I", "U", "S", "DEL", "STRIKE", "EM", "STRONG", "CODE", "PRE", "P", "BR", "HR", "DIV", "SPAN"),
    *("BLOCKQUOTE", "UL", "OL", "LI", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "svg", "use"),
}
MRKDWN = {
    "plain": "plain",
    "*a* _b_ ~c~": "<strong>a</strong> <em>b</em> <s>c</s>",
    "2*3*4 and snake_case_name": "2*3*4 and snake_case_name",
    "*not * bold": "*not * bold",
    "`*x* &lt;`": "<code>*x* &lt;</code>",
    "a\nb": "a<br>b",
    "&lt;b&gt; &amp;amp;": "&lt;b&gt; &amp;amp;",
    "&gt; q\nr": "<blockquote>q</blockquote>r",
    "*<https://e.example|x>*": (
        '<strong><a href="https://e.example" target="_blank" rel="noopener noreferrer">x</a></strong>'
    ),
    "<!here>": '<span class="mention own">@here</span>',
    "<javascript:alert(1)|x>": '<span class="dead-link" title="javascript:alert(1)">x (javascript:alert(1))</span>',
    "<!date^1700000000^{date_num}|then>": "<span>2023-11-14</span>",
    "<!date^1700000000^{nonsense}|then>": "<span>then</span>",
}
MARKDOWN = {
    "# T": '<p role="heading" aria-level="3" class="md-heading">T</p>',
    "**a** *b* ~~c~~ `d`": "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>",
    r"\*a\*": "<p>*a*</p>",
    "1. x\n2. y": '<ol start="1"><li>x</li><li>y</li></ol>',
    "- x\n  - y": "<ul><li><p>x</p><ul><li>y</li></ul></li></ul>",
    "[x](javascript:alert)": '<p><span class="dead-link" title="javascript:alert">x (javascript:alert)</span></p>',
    "<b>x</b>": "<p>&lt;b&gt;x&lt;/b&gt;</p>",
}


def script(name):
    """A function that runs in the page."""
    return (Path(__file__).parent / name).read_text().partition("\n")[2]


async def test_mrkdwn_is_read_as_slack_reads_it(stage):
    read = await stage.page.evaluate(script("read.js"), ["mrkdwn", "mrkdwn", [*MRKDWN]])
    assert MRKDWN == dict(zip(MRKDWN, read, strict=True))


async def test_markdown_is_read_as_slack_reads_it(stage):
    read = await stage.page.evaluate(script("read.js"), ["markdown", "markdown", [*MARKDOWN]])
    assert MARKDOWN == dict(zip(MARKDOWN, read, strict=True))


async def test_whatever_is_written_becomes_harmless_elements_only(stage):
    """Three thousand texts made of the pieces that mean something in one of the three notations."""
    marks = "* _ ~ ` ``` < > | &lt; &gt; &amp; [ ]( ) # ! @ \\ javascript:alert(1) https://e.example/"
    more = "mailto:a@b.example data:text/html,x |---| !date^1^{date} :tada: <script> </script> <style> <iframe> word"
    tags = ("<img src=x onerror=alert(1)>", '<a href="javascript:alert(1)">', "<svg><use href=//e.example#x>")
    others = ("<p style=color:red onclick=alert(1)>", "<form action=//e.example>", "\n", " ", "- ", "1. ", "é\u202e")
    pieces = (*marks.split(), *more.split(), *tags, *others)
    chance = random.Random(20261122)
    texts = ["".join(chance.choices(pieces, k=chance.randint(1, 14))) for _ in range(3000)]
    found = set(await stage.page.evaluate(script("made.js"), texts))
    assert set() == found - HARMLESS
