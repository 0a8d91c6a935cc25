"""Block Kit's blocks and views, with Slack's limits (docs.slack.dev/reference/block-kit/blocks, .../views)."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from bot.sandbox.slack import kit_elements as e
from bot.sandbox.slack.kit_elements import Id, Part, Text, Url, refuse

_Menus: TypeAlias = (
    e.StaticSelect
    | e.MultiStaticSelect
    | e.ExternalSelect
    | e.MultiExternalSelect
    | e.UsersSelect
    | e.MultiUsersSelect
    | e.ConversationsSelect
    | e.MultiConversationsSelect
    | e.ChannelsSelect
    | e.MultiChannelsSelect
    | e.Checkboxes
    | e.RadioButtons
    | e.DatePicker
    | e.TimePicker
)
_Fields: TypeAlias = (
    e.PlainTextInput | e.EmailInput | e.UrlInput | e.NumberInput | e.FileInput | e.RichTextInput | e.DatetimePicker
)
Accessory: TypeAlias = Annotated[_Menus | e.Button | e.Overflow | e.Image, Field(discriminator="type")]
ActionElement: TypeAlias = Annotated[
    _Menus | e.Button | e.Overflow | e.DatetimePicker | e.RichTextInput, Field(discriminator="type")
]
InputElement: TypeAlias = Annotated[_Menus | _Fields, Field(discriminator="type")]
ContextElement: TypeAlias = Annotated[e.PlainText | e.Mrkdwn | e.Image, Field(discriminator="type")]


class Block(Part):
    """A block; its id is made up by Slack where it is left out."""

    block_id: Id | None = None


class Section(Block):
    """Text, with one thing beside it."""

    type: Literal["section"]
    text: Text | None = None
    fields: Annotated[list[e.Text2000], Field(min_length=1, max_length=10)] | None = None
    accessory: Accessory | None = None
    expand: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.text is None and self.fields is None:
            raise refuse("missing required field: text")
        return self


class Actions(Block):
    """A row of elements."""

    type: Literal["actions"]
    elements: Annotated[list[ActionElement], Field(min_length=1, max_length=25)]


class Context(Block):
    """Small print."""

    type: Literal["context"]
    elements: Annotated[list[ContextElement], Field(min_length=1, max_length=10)]


class Divider(Block):
    """A line."""

    type: Literal["divider"]


class Header(Block):
    """A heading."""

    type: Literal["header"]
    text: e.Plain150


class ImageBlock(Block):
    """A picture."""

    type: Literal["image"]
    alt_text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    image_url: Url | None = None
    slack_file: dict[str, str] | None = None
    title: e.Plain2000 | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.image_url is None) == (self.slack_file is None):
            raise refuse("must provide exactly one of image_url and slack_file")
        return self


class Input(Block):
    """A field with its label."""

    type: Literal["input"]
    label: e.Plain2000
    element: InputElement
    dispatch_action: bool | None = None
    hint: e.Plain2000 | None = None
    optional: bool | None = None


class Markdown(Block):
    """Text in Markdown."""

    type: Literal["markdown"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=12_000)]


class Alert(Block):
    """A coloured notice; forms only."""

    type: Literal["alert"]
    text: Text
    level: Literal["default", "info", "warning", "error", "success"] | None = None


class Table(Block):
    """Rows and columns."""

    type: Literal["table"]
    rows: Annotated[list[Annotated[list[dict[str, Any]], Field(min_length=1, max_length=20)]], Field(max_length=100)]
    column_settings: Annotated[list[dict[str, Any] | None], Field(max_length=20)] | None = None


class Video(Block):
    """A film."""

    type: Literal["video"]
    alt_text: str
    title: e.Plain200
    thumbnail_url: Url
    video_url: Url
    author_name: Annotated[str, StringConstraints(max_length=50)] | None = None
    description: e.Plain200 | None = None
    provider_icon_url: Url | None = None
    provider_name: str | None = None
    title_url: Url | None = None


# --- rich text --------------------------------------------------------------------------------------------------------


class _Style(Part):
    bold: bool | None = None
    italic: bool | None = None
    strike: bool | None = None
    code: bool | None = None
    underline: bool | None = None
    highlight: bool | None = None
    client_highlight: bool | None = None
    unlink: bool | None = None


class _Span(Part):
    style: _Style | None = None


class _Words(_Span):
    type: Literal["text"]
    text: Annotated[str, StringConstraints(min_length=1)]


class _Link(_Span):
    type: Literal["link"]
    url: Annotated[str, StringConstraints(min_length=1, max_length=3000)]
    text: str | None = None
    unsafe: bool | None = None


class _User(_Span):
    type: Literal["user"]
    user_id: Annotated[str, StringConstraints(min_length=1)]


class _Channel(_Span):
    type: Literal["channel"]
    channel_id: Annotated[str, StringConstraints(min_length=1)]


class _Group(_Span):
    type: Literal["usergroup"]
    usergroup_id: Annotated[str, StringConstraints(min_length=1)]


class _Emoji(_Span):
    type: Literal["emoji"]
    name: Annotated[str, StringConstraints(min_length=1)]
    unicode: str | None = None
    skin_tone: int | None = None


class _Broadcast(_Span):
    type: Literal["broadcast"]
    range: Literal["here", "channel", "everyone"]


class _Colour(_Span):
    type: Literal["color"]
    value: str


class _Date(_Span):
    type: Literal["date"]
    timestamp: int
    format: str
    url: str | None = None
    fallback: str | None = None


_Inline: TypeAlias = Annotated[
    _Words | _Link | _User | _Channel | _Group | _Emoji | _Broadcast | _Colour | _Date, Field(discriminator="type")
]
_PlainInline: TypeAlias = Annotated[_Words | _Link, Field(discriminator="type")]


class RichSection(Part):
    """A run of inline text."""

    type: Literal["rich_text_section"]
    elements: list[_Inline]


class _RichList(Part):
    type: Literal["rich_text_list"]
    style: Literal["bullet", "ordered"]
    elements: Annotated[list[RichSection], Field(min_length=1)]
    indent: Annotated[int, Field(ge=0, le=8)] | None = None
    offset: Annotated[int, Field(ge=0)] | None = None
    border: Literal[0, 1] | None = None


class _RichQuote(Part):
    type: Literal["rich_text_quote"]
    elements: list[_Inline]
    border: Literal[0, 1] | None = None


class _RichCode(Part):
    type: Literal["rich_text_preformatted"]
    elements: list[_PlainInline]
    border: Literal[0, 1] | None = None
    language: str | None = None


class RichText(Block):
    """Formatted text, as Slack's own editor writes it."""

    type: Literal["rich_text"]
    elements: list[Annotated[RichSection | _RichList | _RichQuote | _RichCode, Field(discriminator="type")]]


AnyBlock: TypeAlias = Annotated[
    Section | Actions | Context | Divider | Header | ImageBlock | Input | Markdown | Alert | Table | Video | RichText,
    Field(discriminator="type"),
]
"""The blocks that Threadline's sandbox knows; others of Slack's are refused as ``unsupported type``."""

MessageBlocks: TypeAlias = Annotated[list[AnyBlock], Field(max_length=50)]
ViewBlocks: TypeAlias = Annotated[list[AnyBlock], Field(max_length=100)]


class _View(Part):
    blocks: ViewBlocks
    private_metadata: Annotated[str, StringConstraints(max_length=3000)] | None = None
    callback_id: Annotated[str, StringConstraints(max_length=255)] | None = None
    external_id: Annotated[str, StringConstraints(max_length=255)] | None = None


class Modal(_View):
    """A form."""

    type: Literal["modal"]
    title: e.Plain24
    submit: e.Plain24 | None = None
    close: e.Plain24 | None = None
    clear_on_close: bool | None = None
    notify_on_close: bool | None = None
    submit_disabled: bool | None = None

    @model_validator(mode="after")
    def _submit_with_inputs(self) -> Self:
        if self.submit is None and any(isinstance(block, Input) for block in self.blocks):
            raise refuse("missing required field: submit")
        return self


class Home(_View):
    """The app's Home tab."""

    type: Literal["home"]


View: TypeAlias = Annotated[Modal | Home, Field(discriminator="type")]
