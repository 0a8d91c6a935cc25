"""Views and messages that hold every block and element which the page draws."""

from typing import Any

Json = dict[str, Any]


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def md(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str, text: str = "", description: str = "") -> Json:
    made: Json = {"text": words(text or value.capitalize()), "value": value}
    return made | {"description": words(description)} if description else made


def field(block_id: str, label: str, element: Json, **more: Any) -> Json:
    """An input block; the element's action id is the block's id."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": words(label),
        "element": {"action_id": block_id, **element},
        **more,
    }


def form(*blocks: Json, title: str = "New ticket", submit: str = "Create ticket", **more: Any) -> Json:
    return {
        "type": "modal",
        "title": words(title),
        "submit": words(submit),
        "close": words("Cancel"),
        "blocks": [*blocks],
        **more,
    }


TICKET_FORM = form(
    {"type": "context", "elements": [md("Goes to *Local desk*. 3 people and 5 messages will be copied.")]},
    field(
        "department",
        "Department",
        {
            "type": "static_select",
            "placeholder": words("Choose a department"),
            "options": [option("it", "IT support"), option("hr", "Human resources")],
        },
        dispatch_action=True,
    ),
    field(
        "subject",
        "Subject",
        {"type": "plain_text_input", "max_length": 80, "placeholder": words("What is wrong, in a few words")},
        hint=words("The agents see this first."),
    ),
    field(
        "description",
        "Description",
        {"type": "plain_text_input", "multiline": True, "initial_value": "The label printer prints twice."},
        optional=True,
    ),
    field(
        "visibility",
        "Who may read it",
        {
            "type": "radio_buttons",
            "options": [
                option("public", "Public reply", "The requester sees it"),
                option("internal", "Internal note", "Only agents see it"),
            ],
            "initial_option": option("public", "Public reply", "The requester sees it"),
        },
    ),
    field("files", "Files", {"type": "file_input", "max_files": 3}, optional=True),
)

EVERY_INPUT = form(
    field("line", "Line", {"type": "plain_text_input", "initial_value": "as proposed"}),
    field("text", "Text", {"type": "plain_text_input", "multiline": True}, optional=True),
    field("mail", "Mail", {"type": "email_text_input"}, optional=True),
    field("web", "Web", {"type": "url_text_input"}, optional=True),
    field(
        "number",
        "Number",
        {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"},
        optional=True,
    ),
    field("rich", "Rich", {"type": "rich_text_input"}, optional=True),
    field("date", "Date", {"type": "datepicker"}, optional=True),
    field("time", "Time", {"type": "timepicker"}, optional=True),
    field("moment", "Moment", {"type": "datetimepicker"}, optional=True),
    field(
        "one",
        "One",
        {
            "type": "static_select",
            "option_groups": [
                {"label": words("Hardware"), "options": [option("printer"), option("screen")]},
                {"label": words("Software"), "options": [option("mail")]},
            ],
        },
        optional=True,
    ),
    field(
        "many",
        "Many",
        {
            "type": "multi_static_select",
            "options": [option("red"), option("green"), option("blue")],
            "initial_options": [option("red")],
        },
        optional=True,
    ),
    field("person", "Person", {"type": "users_select"}, optional=True),
    field("people", "People", {"type": "multi_users_select"}, optional=True),
    field("room", "Room", {"type": "conversations_select"}, optional=True),
    field("channel", "Channel", {"type": "channels_select"}, optional=True),
    field("search", "Search", {"type": "external_select", "min_query_length": 1}, optional=True),
    field("searches", "Searches", {"type": "multi_external_select", "min_query_length": 0}, optional=True),
    field("radio", "Radio", {"type": "radio_buttons", "options": [option("left"), option("right")]}, optional=True),
    field("boxes", "Boxes", {"type": "checkboxes", "options": [option("salt"), option("pepper")]}, optional=True),
    field("files", "Files", {"type": "file_input", "max_files": 2}, optional=True),
    title="Every input",
    submit="Send",
)

CONFIRM = {
    "title": words("Close the ticket?"),
    "text": md("*#1042* will be closed."),
    "confirm": words("Close it"),
    "deny": words("Keep it open"),
}


def button(action_id: str, text: str, **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": words(text), "value": action_id, **more}


CARD = (
    {
        "type": "section",
        "block_id": "card",
        "text": md(":ticket: *<https://desk.example/1042|#1042 Label printer prints twice>*"),
        "fields": [md("*Status*\nOpen"), md("*Owner*\nAlex Agent"), md("*Desk*\nLocal desk"), md("*Priority*\nHigh")],
    },
    {
        "type": "actions",
        "block_id": "doings",
        "elements": [
            button("open", "Open", url="https://desk.example/1042"),
            button("note", "Add note"),
            button("close", "Close", style="danger", confirm=CONFIRM),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [option("assign", "Assign to me"), option("mute", "Mirror nothing")],
            },
        ],
    },
    {"type": "context", "block_id": "about", "elements": [md("Created by Eva Lindqvist, all 5 messages copied")]},
)


def text(value: str, **style: bool) -> Json:
    return {"type": "text", "text": value, **({"style": style} if style else {})}


def section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": [*elements]}


RICH = {
    "type": "rich_text",
    "elements": [
        section(
            text("Plain, "),
            text("bold", bold=True),
            text(" and "),
            text("both", bold=True, italic=True),
            text(" <b>not html</b> "),
            {"type": "link", "url": "https://example.com/a?b=1&c=2", "text": "a link"},
            text(" "),
            {"type": "emoji", "name": "tada"},
        ),
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 0,
            "elements": [section(text("first")), section(text("second"))],
        },
        {"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": [section(text("nested"))]},
        {"type": "rich_text_quote", "elements": [text("quoted")]},
        {"type": "rich_text_preformatted", "elements": [text("x = 1\ny = 2")]},
        section(
            {"type": "link", "url": "javascript:alert(1)", "text": "bad link"},
            {"type": "broadcast", "range": "here"},
            {"type": "date", "timestamp": 1700000000, "format": "{date_num}", "fallback": "then"},
        ),
    ],
}

EVERY_BLOCK = (
    {"type": "header", "text": words("A header")},
    {
        "type": "section",
        "text": md(
            "*bold* _italic_ ~gone~ `code` <https://example.com|label> &lt;b&gt; :warning:\n&gt; quoted\n```fence```"
        ),
    },
    {
        "type": "section",
        "text": md("With a menu"),
        "accessory": {"type": "static_select", "action_id": "pick", "options": [option("one"), option("two")]},
    },
    {"type": "divider"},
    {
        "type": "image",
        "image_url": "https://example.com/chart.png",
        "alt_text": "a chart of tickets",
        "title": words("Chart"),
    },
    {
        "type": "context",
        "elements": [
            md("context with `code`"),
            {"type": "image", "image_url": "https://example.com/i.png", "alt_text": "an icon"},
        ],
    },
    RICH,
    {
        "type": "markdown",
        "text": "## Heading\n\n- **strong** item\n- [site](https://example.com)\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n> wise",
    },
    {
        "type": "actions",
        "elements": [
            button("go", "Go", style="primary"),
            {"type": "datepicker", "action_id": "when"},
            {"type": "checkboxes", "action_id": "tick", "options": [option("yes")]},
        ],
    },
)

HOME = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": words("My tickets")},
        {
            "type": "section",
            "block_id": "t1",
            "text": md("*#1042* Label printer prints twice\nOpen, with Alex Agent"),
            "accessory": button("view", "View"),
        },
        {"type": "divider"},
        {
            "type": "section",
            "block_id": "f1",
            "text": md(":warning: A reply to *#1040* could not be delivered: the desk refused it."),
        },
        {
            "type": "actions",
            "block_id": "f1a",
            "elements": [button("retry", "Retry", style="primary"), button("discard", "Discard", style="danger")],
        },
    ],
}
