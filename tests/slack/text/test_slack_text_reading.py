"""What Slack's messages say, read from the blocks and texts that Slack really sends."""

import pytest
from hypothesis import given, settings, strategies as st

from bot.conversion.text.plain import to_plain
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
)  # fmt: skip
from bot.slack.text.names import KnownNames, ids_in
from bot.slack.text.read_mrkdwn import from_mrkdwn
from bot.slack.text.read_rich_text import from_message, from_rich_text
from tests.conversion.text.text_trees import HOSTILE

NAMES = KnownNames({"U012AB3CD": "Ada Lovelace", "C024BE91L": "general", "S0614TZR7": "ops"})
BOLD = Style(bold=True)


def section(*elements):
    return {"type": "rich_text_section", "elements": list(elements)}


def text(words, **style):
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def flat_list(style, indent, *entries, **more):
    items = [section(text(entry)) for entry in entries]
    return {"type": "rich_text_list", "elements": items, "style": style, "indent": indent, "border": 0} | more


def rich(*elements):
    return {"type": "rich_text", "block_id": "b1", "elements": list(elements)}


def blocks_of(*elements):
    return from_rich_text(rich(*elements), NAMES).blocks


def items(*texts):
    return tuple(Item((paragraph(entry),)) for entry in texts)


# As recorded: a typed message carries both a rich_text block and the same as mrkdwn.
TYPED = {
    "client_msg_id": "b5ab7e6f-1d9b-4d6b-9a1f-1b7a0d3d8a10",
    "type": "message",
    "text": "Hi <@U012AB3CD> and <!subteam^S0614TZR7>, <!here>: *run `make &lt;x&gt;`* in <#C024BE91L|> "
    "see <https://example.com/a?b=1&amp;c=2|the guide> :wave::skin-tone-4: :party_parrot:\n\nR&amp;D",
    "user": "U061F7AUR",
    "ts": "1700000000.000100",
    "team": "T061EG9R6",
    "blocks": [
        rich(
            section(
                text("Hi "),
                {"type": "user", "user_id": "U012AB3CD"},
                text(" and "),
                {"type": "usergroup", "usergroup_id": "S0614TZR7"},
                text(", "),
                {"type": "broadcast", "range": "here"},
                text(": "),
                text("run ", bold=True),
                text("make <x>", bold=True, code=True),
                text(" in "),
                {"type": "channel", "channel_id": "C024BE91L"},
                text(" see "),
                {"type": "link", "url": "https://example.com/a?b=1&c=2", "text": "the guide"},
                text(" "),
                {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fd", "skin_tone": 4},
                text(" "),
                {"type": "emoji", "name": "party_parrot"},
                text("\n\nR&D"),
            )
        )
    ],
}
START = (
    Run("Hi "), Mention("@Ada Lovelace"), Run(" and "), Mention("@ops"), Run(", "), Mention("@here"), Run(": "),
    Run("run ", BOLD), Run("make <x>", Style(bold=True, code=True)), Run(" in "), Mention("#general"), Run(" see "),
    Link("https://example.com/a?b=1&c=2", "the guide"), Run(" "),
)  # fmt: skip


def test_a_typed_message_is_read_from_its_blocks_without_loss():
    first = (*START, Emoji("wave", "👋🏽"), Run(" "), Emoji("party_parrot"))

    assert Document((Paragraph(first), paragraph("R&D"))) == from_message(TYPED, NAMES)


def test_the_same_message_without_blocks_is_read_from_its_mrkdwn():
    first = (*START, Emoji("wave::skin-tone-4", "👋🏽"), Run(" "), Emoji("party_parrot"))

    assert Document((Paragraph(first), paragraph("R&D"))) == from_message(TYPED | {"blocks": []}, NAMES)


def test_the_ids_to_look_up_are_found_in_blocks_texts_and_attachments():
    attached = {"attachments": [{"text": "from <@U9>", "fields": [{"title": "Where", "value": "<#C9|x>"}]}]}
    in_text = {"text": TYPED["text"]}

    assert {"U012AB3CD", "S0614TZR7", "C024BE91L"} == ids_in(TYPED) == ids_in(in_text) == ids_in(TYPED["blocks"][0])
    assert {"U9", "C9"} == ids_in(attached)


def test_who_is_not_known_is_named_by_the_label_or_said_to_be_unknown():
    assert "@ada, #unknown (C1) and @unknown (U2)" == to_plain(from_mrkdwn("<@U1|ada>, <#C1> and <@U2>", KnownNames()))


def test_flat_lists_with_indents_become_a_tree():
    found = blocks_of(
        flat_list("ordered", 0, "one"),
        flat_list("bullet", 1, "a", "b"),
        flat_list("ordered", 2, "deep"),
        flat_list("bullet", 1, "c"),
        flat_list("ordered", 0, "two", "three", offset=1),
        flat_list("bullet", 0, "other"),
    )

    bullets = List((*items("a"), Item((paragraph("b"), List(items("deep"), ordered=True))), *items("c")))
    numbered = List((Item((paragraph("one"), bullets)), *items("two", "three")), ordered=True)
    assert (numbered, List(items("other"))) == found


def test_a_numbered_list_that_begins_later_keeps_its_number():
    assert (List(items("x"), ordered=True, start=5),) == blocks_of(flat_list("ordered", 0, "x", offset=4))


def test_a_list_that_begins_with_an_indent_is_still_a_list():
    assert (List(items("a", "b")),) == blocks_of(flat_list("bullet", 2, "a"), flat_list("bullet", 0, "b"))


def test_a_quote_with_a_list_and_code_inside_is_one_quote():
    found = blocks_of(
        {"type": "rich_text_quote", "elements": [text("said:")]},
        flat_list("bullet", 0, "a", border=1),
        {"type": "rich_text_preformatted", "elements": [text("x\n  y")], "border": 1},
        section(text("after")),
    )

    assert (Quote((paragraph("said:"), List(items("a")), Code("x\n  y"))), paragraph("after")) == found


def test_code_keeps_its_lines_and_shows_links_and_people_in_words():
    link = {"type": "link", "url": "https://example.com"}
    block = {
        "type": "rich_text_preformatted",
        "elements": [text("  a <b>\n"), link, {"type": "user", "user_id": "U012AB3CD"}],
    }

    assert (Code("  a <b>\nhttps://example.com@Ada Lovelace"),) == blocks_of(block)


def test_every_other_kind_of_element_gives_its_words():
    found = blocks_of(
        section(
            {"type": "date", "timestamp": 1720710212, "format": "{date_num}", "fallback": "2024-07-11"},
            {"type": "date", "timestamp": 1720710212, "format": "{date_num}"},
            {"type": "color", "value": "#F405B3"},
            {"type": "team", "team_id": "T1"},
            {"type": "of_the_future", "text": "new"},
            {"type": "link", "url": "slack://open", "text": "app"},
            {"type": "emoji", "name": "odd", "unicode": "zz"},
            {"type": "emoji", "name": "bad", "unicode": "ffffffff"},
        )
    )

    assert "2024-07-112024-07-11 15:03 UTC#F405B3T1newapp (slack://open):odd::bad:" == to_plain(Document(found))


def plain_text(words):
    return {"type": "plain_text", "text": words}


def marked(words):
    return {"type": "mrkdwn", "text": words}


def test_a_message_of_a_bot_is_read_from_its_sections_and_attachments():
    blocks = [
        {"type": "header", "text": plain_text("Alert *1*")},
        {"type": "section", "text": marked("*Disk* is _full_"), "fields": [marked("a")]},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "image", "alt_text": "pic"}, plain_text("<!here>")]},
        {"type": "actions", "elements": [{"type": "button", "text": plain_text("Press")}]},
    ]
    run = {"title": "Run", "title_link": "https://ci.example", "text": "~x~", "fallback": "not this"}
    attachments = [
        run | {"fields": [{"title": "Env", "value": "prod"}]},
        {"fallback": "only this"},
        {"from_url": "https://example.com", "title": "a preview", "text": "of a link"},
    ]
    message = {"subtype": "bot_message", "text": "not this", "blocks": blocks, "attachments": attachments}

    assert Document((
        Heading((Run("Alert *1*"),)),
        Paragraph((Run("Disk", BOLD), Run(" is "), Run("full", Style(italic=True)))), paragraph("a"),
        Rule(), paragraph("pic"), paragraph("<!here>"),
        Quote((
            Paragraph((Link("https://ci.example", "Run", BOLD),)),
            Paragraph((Run("x", Style(strike=True)),)),
            Paragraph((Run("Env", BOLD), Run(": prod"))),
        )),
        Quote((paragraph("only this"),)),
    )) == from_message(message, NAMES)  # fmt: skip


def test_a_shared_message_is_quoted_with_its_author():
    inner = {"team": "T1", "channel": "C1", "ts": "1.2", "message": {"blocks": [rich(section(text("the words")))]}}
    shared = {
        "is_msg_unfurl": True,
        "from_url": "https://x.slack.com/archives/C1/p12",
        "author_name": "Ben",
        "text": "the words",
    }
    message = {"text": "look", "attachments": [shared | {"message_blocks": [inner]}]}

    quote = Quote((Paragraph((Run("Ben", BOLD),)), paragraph("the words")))
    assert Document((paragraph("look"), quote)) == from_message(message, NAMES)


@pytest.mark.parametrize("wrapped", [{"text": "disk full"}, {"attachments": [{"fallback": "disk full"}]}, {}])
def test_a_shared_message_of_a_bot_is_quoted_wherever_its_words_are(wrapped):
    shared = {"is_share": True, "author_name": "Alarm", "text": "", "fallback": "[Nov 27th] Alarm: disk full"}
    message = {"attachments": [shared | {"message_blocks": [{"message": wrapped}]}]}
    beside = {"attachments": [shared | wrapped]}

    said = "[Nov 27th] Alarm: disk full" if not wrapped else "disk full"
    for plain in (to_plain(from_message(message, NAMES)), to_plain(from_message(beside, NAMES))):
        assert ["Alarm", said] == [line.strip("> ") for line in plain.split("\n") if line.strip("> ")]


@pytest.mark.parametrize(
    ("fallback", "plain"),
    [
        ("Build 5 failed: 3 tests red", "> Build 5\n>\n> Build 5 failed: 3 tests red\n>\n> of CI"),
        ("*Build 5*", "> Build 5\n>\n> of CI"),
        ("", "> Build 5\n>\n> of CI"),
    ],
)
def test_where_an_attachment_has_only_a_title_what_it_says_instead_is_read(fallback, plain):
    attached = {"title": "Build 5", "footer": "of CI", "fallback": fallback}

    assert plain == to_plain(from_message({"attachments": [attached]}, NAMES))


def test_a_table_comes_in_columns():
    cell = rich(section(text("Toner")))
    heads = [{"type": "raw_text", "text": words} for words in ("Part", "Price")]
    table = {"type": "table", "rows": [heads, [cell, cell], [None, cell]]}

    assert Document((Code("Part  | Price\nToner | Toner\n      | Toner"),)) == from_message(
        {"attachments": [], "blocks": [table]}, NAMES
    )


LINKED = {"type": "button", "text": plain_text("View"), "url": "https://b.example"}
CARD = {"type": "card", "title": marked("A"), "subtitle": marked("*sub*"), "body": marked("body"), "actions": [LINKED]}
TASK = {
    "type": "task_card",
    "title": "Fetch",
    "details": rich(section(text("how"))),
    "output": rich(section(text("what"))),
    "sources": [{"type": "url", "url": "https://s.example", "text": "source"}],
}
FILM = {
    "type": "video",
    "title": plain_text("How to"),
    "description": plain_text("why"),
    "title_url": "https://v.example",
}


@pytest.mark.parametrize(
    ("block", "plain"),
    [
        (
            {"type": "container", "title": plain_text("T"), "child_blocks": [CARD]},
            "T; A; sub; body; View (https://b.example)",
        ),
        (
            {"type": "carousel", "elements": [CARD, CARD | {"actions": []}]},
            "A; sub; body; View (https://b.example); A; sub; body",
        ),
        (
            {"type": "plan", "title": "Thinking", "tasks": [TASK]},
            "Thinking; Fetch; how; what; source (https://s.example)",
        ),
        (FILM, "How to; why; https://v.example"),
        ({"type": "section", "text": marked("hi"), "accessory": LINKED}, "hi; View (https://b.example)"),
        (
            {"type": "image", "block_id": "b", "alt_text": "a chart", "image_url": "https://i.example"},
            "a chart; https://i.example",
        ),
        (
            {"type": "data_table", "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_number", "value": 3}]]},
            "a | 3",
        ),
    ],
)
def test_every_part_of_what_an_app_posts_is_read(block, plain):
    header = {"type": "header", "text": plain_text("Alert")}
    message = {"text": "not this", "blocks": [header, block]}

    assert ["Alert", *plain.split("; ")] == to_plain(from_message(message, NAMES)).split("\n\n")


@pytest.mark.parametrize(
    "around",
    [
        lambda strange: strange | {"title": plain_text("Alert")},
        lambda strange: {"type": "container", "child_blocks": [strange | {"title": plain_text("Alert")}]},
        lambda strange: rich(section(text("Alert")), strange),
        lambda strange: rich(section(text("Alert"), strange)),
    ],
)
def test_where_a_part_is_of_an_unknown_kind_the_text_of_the_message_is_read_too(around):
    blocks = [around({"type": "of_the_future", "words": "disk full"})]

    assert Document((paragraph("Alert"), paragraph("Alert: disk full"))) == from_message(
        {"text": "Alert: disk full", "blocks": blocks}, NAMES
    )
    assert Document((paragraph("Alert"),)) == from_message({"text": "*Alert*", "blocks": blocks}, NAMES)


def test_where_the_blocks_are_rules_and_buttons_alone_the_text_is_read():
    blocks = [{"type": "divider"}, {"type": "actions", "elements": [{"type": "button", "text": plain_text("Press")}]}]

    assert Document((Rule(), paragraph("Deploy?"))) == from_message({"text": "Deploy?", "blocks": blocks}, NAMES)


def test_rich_text_nested_in_each_other_loses_no_words():
    found = blocks_of(
        {"type": "rich_text_of_the_future", "elements": [section(text("inside"))]},
        {"type": "rich_text_quote", "elements": [section(text("one")), section(text("two"))]},
        {"type": "rich_text_list", "style": "bullet", "elements": [section(text("a")), flat_list("bullet", 1, "b")]},
    )

    nested = List((*items("a"), Item((List(items("b")),))))
    assert (paragraph("inside"), Quote((paragraph("one"), paragraph("two"))), nested) == found


def test_an_older_attachment_is_read_with_its_picture_its_buttons_and_its_last_line():
    attached = {
        "text": "down",
        "image_url": "https://i.example",
        "footer": "of db1",
        "actions": [LINKED | {"text": "View"}],
    }

    assert ["> down", "> https://i.example", "> View (https://b.example)", "> of db1"] == to_plain(
        from_message({"attachments": [attached]}, NAMES)
    ).split("\n>\n")


def test_the_ids_in_every_part_of_what_an_app_posts_are_looked_up():
    cell = rich(section({"type": "user", "user_id": "U7"}))
    blocks = [
        {"type": "container", "child_blocks": [CARD | {"body": marked("<@U8>")}]},
        {"type": "table", "rows": [[cell]]},
    ]

    assert {"U7", "U8"} == ids_in({"blocks": blocks})


@pytest.mark.parametrize(
    ("mrkdwn", "plain"),
    [
        ("&amp;lt; &lt;!channel&gt;", "&lt; <!channel>"),
        ("<!date^1392734382^Posted {date_num}|Posted 2014-02-18>", "Posted 2014-02-18"),
        ("<!date^1392734382^{date}^https://a.example/|18 Feb>", "18 Feb (https://a.example/)"),
        ("<mailto:a@b.example|a@b.example> <https://a.example>", "a@b.example https://a.example"),
        ("2 * 3 * 4, snake_case_name, 10:30:45, a*b*c", "2 * 3 * 4, snake_case_name, 10:30:45, a*b*c"),
        ("*not\nbold*", "*not\nbold*"),
        ("a <b> c", "a <b> c"),
        ("before\n&gt; one\n&gt;two\nafter", "before\n\n> one\n> two\n\nafter"),
        ("&gt;&gt;&gt; all\nof it", "> all\n> of it"),
        ("x ```a &lt; b\n  <https://a.example>``` y", "x\n\na < b\n  https://a.example\n\ny"),
        ("`a *b* &amp; <@U012AB3CD>`", "a *b* & @Ada Lovelace"),
    ],
)
def test_mrkdwn_reads_as_slack_shows_it(mrkdwn, plain):
    assert plain == to_plain(from_mrkdwn(mrkdwn, NAMES))


def test_marks_in_each_other_give_both_styles():
    expected = (Run("a ", BOLD), Run("b", Style(bold=True, italic=True)), Run(" c", BOLD), Run(" *d"))

    assert Document((Paragraph(expected),)) == from_mrkdwn("*a _b_ c* *d", NAMES)


odd = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=4), max_size=20).map("".join)
keys = st.sampled_from(
    [
        "type",
        "text",
        "elements",
        "blocks",
        "attachments",
        "style",
        "indent",
        "offset",
        "unicode",
        "fields",
        "name",
        "rows",
    ]
)
kinds = st.sampled_from(["text", "mrkdwn", "rich_text", "rich_text_list", "rich_text_quote", "emoji", "user", "1f44b"])
json = st.recursive(
    st.none() | st.integers() | odd | kinds,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(st.sampled_from(["text", "blocks", "attachments"]), json)


@given(objects | json.filter(lambda found: isinstance(found, dict)))
@settings(max_examples=200, deadline=None)
def test_no_message_is_too_odd_to_read(message):
    from_message(message, NAMES)
    from_rich_text(message, NAMES)
    ids_in(message)


@given(odd)
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_read_as_mrkdwn(words):
    from_mrkdwn(words, NAMES)


@pytest.mark.parametrize(
    "unit", ["*", "_a_ ", "*_~", "```", "```\n", "`", "<", "<@U1>", "<a|", "&gt;\n", ":a", "::", "&", "a\n\n"]
)
def test_two_hundred_thousand_hostile_characters_of_mrkdwn_are_read(unit):
    assert from_mrkdwn(unit * (200_000 // len(unit)), NAMES) is not None
