"""What goes to Slack is literal, within Slack's limits, and says all that the tree says."""

from dataclasses import replace

from hypothesis import example, given, settings, strategies as st

from bot.conversion.text.tree import (
    Code,
    Document,
    Emoji,
    Heading,
    Item,
    Link,
    List,
    Mention,
    Paragraph,
    Quote,
    Rule,
    Run,
    Style,
    paragraph,
)
from bot.sandbox.slack.kit_check import check_message_blocks
from bot.slack.text.names import KnownNames
from bot.slack.text.read_rich_text import from_message
from bot.slack.text.write_rich_text import BLOCKS, MESSAGE_TEXT, to_rich_text
from tests.conversion.text.text_trees import documents, outline, shown, squeezed, styled

NAMES = KnownNames()
TEXT, LINK, EMOJI = {"type", "text", "style"}, {"type", "url", "text", "style"}, {"type", "name"}


def elements(messages):
    """Every element of text, link and emoji, in order."""
    for message in messages:
        for block in message:
            for outer in block.get("elements", []):
                for inner in outer["elements"]:
                    yield from inner["elements"] if inner["type"] == "rich_text_section" else [inner]


def read_back(messages):
    return Document(tuple(block for blocks in messages for block in from_message({"blocks": blocks}, NAMES).blocks))


@given(documents)
@settings(max_examples=120, deadline=None)
def test_only_texts_links_and_emoji_go_out_and_none_of_them_is_empty(document):
    for element in elements(to_rich_text(document)):
        match element["type"]:
            case "text":
                assert set(element) <= TEXT
            case "link":
                assert set(element) <= LINK
                assert element["url"].startswith(("https://", "http://", "mailto:"))
            case kind:
                assert ("emoji", EMOJI) == (kind, set(element))
        assert element.get("text", "-")


def bold_headings(blocks):
    """*blocks* with headings as Slack can show them."""
    for block in blocks:
        match block:
            case Heading(content):
                yield Paragraph(tuple(part if isinstance(part, Emoji) else _bold(part) for part in content))
            case Quote(inner):
                yield Quote(tuple(bold_headings(inner)))
            case List(items):
                yield replace(block, items=tuple(Item(tuple(bold_headings(item.blocks))) for item in items))
            case _:
                yield block


def _bold(inline):
    return replace(inline, style=replace(inline.style, bold=True))


@given(documents)
@settings(max_examples=150, deadline=None)
def test_slack_shows_each_character_in_its_style_and_with_its_link(document):
    expected = list(bold_headings(document.blocks))
    back = read_back(to_rich_text(document)).blocks

    assert styled(expected) == styled(back)
    assert squeezed("".join(shown(expected))) == squeezed("".join(shown(back)))


def test_lists_quotes_code_and_styles_come_back_as_they_were():
    inner = List((Item((paragraph("deep"), List((Item((paragraph("deeper"),)),)))),))
    numbered = List((Item((paragraph("one"), inner)), Item((paragraph("two"),))), ordered=True, start=3)
    document = Document((
        Paragraph((Run("Hi "), Run("you", Style(bold=True, strike=True)), Run(" "), Link("https://a.example", "here"))),
        numbered,
        Quote((paragraph("said"), List((Item((paragraph("a"),)),)), Code("x\n  y"))),
        Rule(),
        paragraph("first"),
        paragraph("second\nline"),
    ))  # fmt: skip

    assert [document] == [read_back(to_rich_text(document))]
    assert 1 == len(to_rich_text(document))


@given(st.lists(st.integers(1, 9_000), max_size=12), st.sampled_from("axé😀 \n"), st.booleans(), st.booleans())
@example([9_000], "a", True, True)
@settings(max_examples=60, deadline=None)
def test_long_texts_stay_within_slacks_limits_and_lose_nothing(sizes, letter, as_list, quoted):
    texts = [("word " * size)[:size] + letter for size in sizes]
    blocks = [part for text in texts for part in (paragraph(text), Code(f"c{text}"), Rule())]
    document = Document((List(tuple(Item((block,)) for block in blocks)),) if as_list else tuple(blocks))
    messages = to_rich_text(Document((Quote(document.blocks),)) if quoted else document)

    assert all(check_message_blocks(message) for message in messages)
    assert all(0 < len(message) <= BLOCKS for message in messages)
    assert all(len(element.get("text", "")) <= 3000 for element in elements(messages))
    assert all(sum(len(element.get("text", "")) for element in elements([m])) <= MESSAGE_TEXT * 1.1 for m in messages)
    sent = "".join(element.get("text", "") for element in elements(messages))
    assert squeezed("".join(f"{text}c{text}" for text in texts)) == squeezed(sent)


def test_many_rules_are_parted_into_messages_of_fifty_blocks():
    assert [50, 50, 20] == [len(message) for message in to_rich_text(Document((Rule(),) * 120))]


def test_an_empty_document_is_no_message():
    assert [] == to_rich_text(Document())


def test_a_link_with_a_label_longer_than_a_block_keeps_every_word_of_it():
    label = "word " * 2_000 + "end"
    sent = list(elements(to_rich_text(Document((Paragraph((Link("https://a.example", label),)),)))))

    assert {"https://a.example"} == {element["url"] for element in sent}
    assert label == "".join(element["text"] for element in sent)


def test_s11_mentions_and_headings_from_a_desk_are_only_text():
    document = Document((Heading((Mention("@channel"),)), Paragraph((Run("<!channel> @here"),))))

    bold = {"type": "text", "text": "@channel", "style": {"bold": True}}
    rest = [{"type": "text", "text": "\n\n"}, {"type": "text", "text": "<!channel> @here"}]
    section = {"type": "rich_text_section", "elements": [bold, *rest]}
    assert [[{"type": "rich_text", "elements": [section]}]] == to_rich_text(document)


def test_a_list_nested_in_a_numbered_one_does_not_disturb_its_numbers():
    inner = List((Item((paragraph("a"),)),))
    document = Document((List((Item((paragraph("one"), inner)), Item((paragraph("two"),))), ordered=True),))

    lists = to_rich_text(document)[0][0]["elements"]
    assert [("ordered", 0, None), ("bullet", 1, None), ("ordered", 0, 1)] == [
        (part["style"], part["indent"], part.get("offset")) for part in lists
    ]
    assert outline(document.blocks) == outline(read_back(to_rich_text(document)).blocks)
