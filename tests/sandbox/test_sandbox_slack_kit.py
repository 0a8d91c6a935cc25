"""The pretend Slack refuses Block Kit where Slack does, and writes what people type as Slack does."""

import pytest
from hypothesis import given, strategies as st
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.kit_check import check_message_blocks, check_view
from bot.sandbox.slack.typed import escaped, typed


def plain(text):
    return {"type": "plain_text", "text": text}


def option(number, **more):
    return {"text": plain(f"o{number}"), "value": f"v{number}", **more}


def modal(*blocks, **more):
    return {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": list(blocks), **more}


def an_input(element, **more):
    return {"type": "input", "label": plain("L"), "element": element, **more}


def actions(*elements, **more):
    return {"type": "actions", "elements": list(elements), **more}


BUTTON = {"type": "button", "text": plain("B")}
SECTION = {"type": "section", "text": plain("x")}
SELECT = {"type": "static_select", "options": [option(1)]}

REFUSED_IN_MESSAGES = [
    ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    ([{"type": "hologram"}], "unsupported type: hologram [json-pointer:/blocks/0/type]"),
    ([{"text": plain("x")}], "missing required field: type [json-pointer:/blocks/0]"),
    (
        [{"type": "header", "text": plain("x" * 151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    ([{"type": "section", "text": plain("")}], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    (
        [{"type": "section", "text": plain("x" * 3001)}],
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ),
    ([{**SECTION, "colour": 1}], "invalid additional property: colour [json-pointer:/blocks/0]"),
    ([SECTION] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    (
        [{"type": "section", "fields": [plain("x")] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    ([actions(*[BUTTON] * 26)], "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    (
        [actions({"type": "plain_text_input"})],
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        [actions({**BUTTON, "text": plain("x" * 76)})],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        [actions({**BUTTON, "value": "x" * 2001})],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    ([actions({**BUTTON, "text": {"type": "mrkdwn", "text": "x"}})], "failed to match all allowed schemas"),
    ([actions({**BUTTON, "style": "warning"})], "failed to match all allowed schemas"),
    (
        [actions({"type": "static_select", "options": [option(n) for n in range(101)]})],
        "no more than 100 items allowed",
    ),
    ([actions({"type": "static_select", "options": []})], "no fewer than 1 items allowed"),
    ([actions({"type": "static_select"})], "must provide exactly one of options and option_groups"),
    ([actions({**SELECT, "initial_option": option(2)})], "must match one of the values in the options array"),
    ([actions({**SELECT, "options": [option(1, url="https://x.example")]})], "invalid additional property: url"),
    ([actions({"type": "overflow", "options": [option(n) for n in range(6)]})], "no more than 5 items allowed"),
    (
        [actions({**BUTTON, "action_id": "a"}, {**BUTTON, "action_id": "a"})],
        "`action_id` already exists [json-pointer:/blocks/0/elements/1/action_id]",
    ),
    (
        [{**SECTION, "block_id": "a"}, {**SECTION, "block_id": "a"}],
        "`block_id` already exists [json-pointer:/blocks/1/block_id]",
    ),
    ([{**SECTION, "block_id": "x" * 256}], "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items allowed"),
    ([{"type": "context", "elements": [BUTTON]}], "unsupported type: button [json-pointer:/blocks/0/elements/0/type]"),
    (
        [{"type": "image", "image_url": "https://x.example/a.png"}],
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    (
        [{"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}],
        "unsupported type: text [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}],
            }
        ],
        "must be more than 0 characters",
    ),
    (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]}],
            }
        ],
        "unsupported type: user",
    ),
    ([{"type": "alert", "text": plain("x")}], "unsupported type: alert [json-pointer:/blocks/0/type]"),
    ([an_input({"type": "file_input"})], "unsupported type: file_input"),
    ([{"type": "markdown", "text": "x" * 6001}] * 2, "markdown blocks must be less than 12001 characters together"),
]

REFUSED_IN_VIEWS = [
    (modal(SECTION, title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
    (modal(SECTION, submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
    (
        modal(SECTION, private_metadata="x" * 3001),
        "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ),
    (modal(SECTION, id="V1"), "invalid additional property: id [json-pointer:/view]"),
    (modal(*[SECTION] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
    (
        {"type": "modal", "title": plain("T"), "blocks": [an_input({"type": "plain_text_input"})]},
        "missing required field: submit [json-pointer:/view]",
    ),
    (modal(an_input({"type": "plain_text_input", "max_length": 3001})), "failed to match all allowed schemas"),
    (
        modal(an_input({"type": "plain_text_input", "initial_value": "long", "max_length": 3})),
        "must be less than 4 characters",
    ),
    (modal(an_input(BUTTON)), "unsupported type: button [json-pointer:/view/blocks/0/element/type]"),
    (modal(an_input({"type": "number_input"})), "missing required field: is_decimal_allowed"),
    (modal(an_input({"type": "file_input", "max_files": 11})), "failed to match all allowed schemas"),
    (
        modal(an_input({"type": "plain_text_input", "placeholder": plain("x" * 151)})),
        "must be less than 151 characters",
    ),
    (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown"),
    (
        modal(*[an_input({"type": "plain_text_input", "focus_on_load": True})] * 2),
        "only one element can have focus_on_load",
    ),
    (
        modal(actions({"type": "conversations_select", "response_url_enabled": True})),
        "response_url_enabled works in input blocks of modals only",
    ),
    (
        {"type": "home", "title": plain("T"), "blocks": [SECTION]},
        "invalid additional property: title [json-pointer:/view]",
    ),
    ({"type": "home", "blocks": [an_input({"type": "file_input"})]}, "unsupported type: file_input"),
    ({"type": "dialogue", "blocks": []}, "unsupported type: dialogue [json-pointer:/view/type]"),
]


@pytest.mark.parametrize(("blocks", "words"), REFUSED_IN_MESSAGES)
def test_a_message_is_refused_with_slacks_words_and_pointer(blocks, words):
    with pytest.raises(SlackError) as caught:
        check_message_blocks(blocks)

    assert "invalid_blocks" == caught.value.code
    assert words in caught.value.messages[0]


@pytest.mark.parametrize(("view", "words"), REFUSED_IN_VIEWS)
def test_a_view_is_refused_with_slacks_words_and_pointer(view, words):
    with pytest.raises(SlackError) as caught:
        check_view(view, home=view["type"] == "home")

    assert "invalid_arguments" == caught.value.code
    assert words in caught.value.messages[0]


def test_a_view_past_250_kilobytes_is_too_large():
    options = [option(n, description=plain("d" * 75)) for n in range(100)]
    fat = [actions({"type": "static_select", "options": options}, {"type": "static_select", "options": options})] * 10

    with pytest.raises(SlackError, match="view_too_large"):
        check_view(modal(*fat), home=False)


def test_blocks_that_are_no_list_have_the_wrong_format():
    with pytest.raises(SlackError, match="invalid_blocks_format"):
        check_message_blocks({"type": "divider"})


def test_missing_ids_are_made_up_and_given_ones_kept():
    made = check_message_blocks([actions(BUTTON, {**BUTTON, "action_id": "mine"}), {**SECTION, "block_id": "b"}])

    assert made[0]["block_id"]
    assert made[0]["elements"][0]["action_id"]
    assert ("mine", "b") == (made[0]["elements"][1]["action_id"], made[1]["block_id"])


def test_what_threadline_uses_everywhere_is_accepted():
    fields = [
        {"type": "external_select", "min_query_length": 0, "placeholder": plain("p"), "initial_option": option(1)},
        {"type": "users_select", "initial_user": "U1"},
        {
            "type": "radio_buttons",
            "options": [option(1, description=plain("d"))],
            "initial_option": option(1, description=plain("d")),
        },
        {"type": "checkboxes", "options": [{"text": {"type": "mrkdwn", "text": "*b*"}, "value": "v"}]},
        {"type": "file_input", "max_files": 10, "filetypes": ["pdf"]},
        {"type": "datepicker", "initial_date": "2026-11-22"},
        {
            "type": "plain_text_input",
            "multiline": True,
            "max_length": 3000,
            "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
        },
    ]

    made = check_view(modal(*[an_input(field, optional=True) for field in fields]), home=False)

    assert len(fields) == len(made["blocks"])


SIZES = st.sampled_from([0, 1, 75, 76, 150, 151, 2000, 2001, 3000, 3001])
TEXTS = SIZES.map(lambda size: plain("x" * size))
BLOCKS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("section")}, optional={"text": TEXTS, "fields": st.lists(TEXTS, max_size=12)}
    ),
    st.fixed_dictionaries({"type": st.just("header"), "text": TEXTS}),
    st.fixed_dictionaries({"type": st.just("actions"), "elements": st.integers(0, 27).map(lambda n: [BUTTON] * n)}),
    st.fixed_dictionaries({"type": st.just("context"), "elements": st.integers(0, 12).map(lambda n: [plain("x")] * n)}),
    st.fixed_dictionaries(
        {"type": st.just("image"), "alt_text": SIZES.map(lambda n: "x" * n), "image_url": st.just("https://x.example")}
    ),
)


@given(BLOCKS)
def test_whatever_slacks_own_library_refuses_is_refused_here_too(block):
    theirs = Block.parse(block)
    assert theirs is not None
    try:
        theirs.validate_json()
    except SlackObjectFormationError:
        with pytest.raises(SlackError, match="invalid_blocks"):
            check_message_blocks([block])


@given(TEXTS, TEXTS, st.integers(0, 3001))
def test_whatever_slacks_own_library_refuses_of_a_view_is_refused_here_too(title, submit, metadata):
    view = {"type": "modal", "title": title, "submit": submit, "blocks": [SECTION], "private_metadata": "m" * metadata}

    try:
        View(**view).validate_json()
    except SlackObjectFormationError:
        with pytest.raises(SlackError, match="invalid_arguments"):
            check_view(view, home=False)


# --- typed text ---


def find(sign, name):
    return {"@eva": "<@U1>", "#help": "<#C1|help>", "@here": "<!here>", "@it": "<!subteam^S1>"}.get(sign + name, "")


def section(*elements):
    return {"type": "rich_text_section", "elements": list(elements)}


def words(text, **style):
    return {"type": "text", "text": text, **({"style": style} if style else {})}


@pytest.mark.parametrize(
    ("text", "elements", "mrkdwn"),
    [
        ("a < b & c", [section(words("a < b & c"))], "a &lt; b &amp; c"),
        (
            "*b _bi_* ~s~",
            [section(words("b ", bold=True), words("bi", bold=True, italic=True), words(" "), words("s", strike=True))],
            "*b _bi_* ~s~",
        ),
        ("`*x*`", [section(words("*x*", code=True))], "`*x*`"),
        ("2*3*4 a_b_c", [section(words("2*3*4 a_b_c"))], "2*3*4 a_b_c"),
        (
            "@eva @nobody @here",
            [section({"type": "user", "user_id": "U1"}, words(" @nobody "), {"type": "broadcast", "range": "here"})],
            "<@U1> @nobody <!here>",
        ),
        (
            "@it in #help",
            [
                section(
                    {"type": "usergroup", "usergroup_id": "S1"}, words(" in "), {"type": "channel", "channel_id": "C1"}
                )
            ],
            "<!subteam^S1> in <#C1>",
        ),
        (
            ":+1: https://a.example/?q=1.",
            [
                section(
                    {"type": "emoji", "name": "+1"},
                    words(" "),
                    {"type": "link", "url": "https://a.example/?q=1"},
                    words("."),
                )
            ],
            ":+1: <https://a.example/?q=1>.",
        ),
        (
            "[our site](https://a.example) a@b.example",
            [
                section(
                    {"type": "link", "url": "https://a.example", "text": "our site"},
                    words(" "),
                    {"type": "link", "url": "mailto:a@b.example", "text": "a@b.example"},
                )
            ],
            "<https://a.example|our site> <mailto:a@b.example|a@b.example>",
        ),
        ("> q1\n> q2", [{"type": "rich_text_quote", "elements": [words("q1\nq2")]}], "&gt; q1\n&gt; q2"),
        (
            "- a\n  1. b",
            [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "indent": 0,
                    "border": 0,
                    "elements": [section(words("a"))],
                },
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "indent": 1,
                    "border": 0,
                    "elements": [section(words("b"))],
                },
            ],
            "• a\n    1. b",
        ),
        (
            "x\n```\n<y>\n```",
            [section(words("x\n")), {"type": "rich_text_preformatted", "elements": [words("<y>")], "border": 0}],
            "x\n```&lt;y&gt;```",
        ),
    ],
)
def test_typed_text_becomes_what_slacks_editor_sends(text, elements, mrkdwn):
    assert ({"type": "rich_text", "elements": elements}, mrkdwn) == typed(text, find)


@given(st.text(alphabet="ab *_~`>-#@:.[]()\n1<&/htps", min_size=1))
def test_whatever_is_typed_is_rich_text_that_slack_accepts(text):
    block, mrkdwn = typed(text, find)

    check_message_blocks([block])
    assert "<b" not in mrkdwn
    assert "&" not in mrkdwn.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


@given(st.text(alphabet="abc .,\n", min_size=1))
def test_plain_words_come_through_unchanged(text):
    block, mrkdwn = typed(text, find)

    assert escaped(text) == mrkdwn or text.endswith("\n")
    assert text == "".join(element["text"] for part in block["elements"] for element in part["elements"])
