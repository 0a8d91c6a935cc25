"""Block Kit's composition objects and elements, with Slack's limits (docs.slack.dev/reference/block-kit)."""

import re
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """An object of Block Kit: only the documented keys, of the documented JSON types."""

    model_config = ConfigDict(extra="forbid", strict=True)


def refuse(words: str, *, at: str = "") -> PydanticCustomError:
    """A problem in Slack's words; *at* is the key below the object that is meant."""
    return PydanticCustomError("slack", "{words}", {"words": words, "at": at})


def _limited(limit: int) -> AfterValidator:
    def check(value: Any) -> Any:
        if value is not None and len(value.text) > limit:
            raise refuse(f"must be less than {limit + 1} characters", at="text")
        return value

    return AfterValidator(check)


def _of_length(least: int, most: int) -> Any:
    return StringConstraints(min_length=least, max_length=most)


Id: TypeAlias = Annotated[str, _of_length(1, 255)]
Url: TypeAlias = Annotated[str, _of_length(1, 3000), StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*:")]
Style: TypeAlias = Literal["primary", "danger"]


class PlainText(Part):
    """Text without formatting."""

    type: Literal["plain_text"]
    text: Annotated[str, _of_length(1, 3000)]
    emoji: bool | None = None


class Mrkdwn(Part):
    """Text in Slack's markup."""

    type: Literal["mrkdwn"]
    text: Annotated[str, _of_length(1, 3000)]
    verbatim: bool | None = None


Text: TypeAlias = Annotated[PlainText | Mrkdwn, Field(discriminator="type")]
Plain24: TypeAlias = Annotated[PlainText, _limited(24)]
Plain30: TypeAlias = Annotated[PlainText, _limited(30)]
Plain75: TypeAlias = Annotated[PlainText, _limited(75)]
Plain100: TypeAlias = Annotated[PlainText, _limited(100)]
Plain150: TypeAlias = Annotated[PlainText, _limited(150)]
Plain200: TypeAlias = Annotated[PlainText, _limited(200)]
Plain2000: TypeAlias = Annotated[PlainText, _limited(2000)]
Text75: TypeAlias = Annotated[Text, _limited(75)]
Text300: TypeAlias = Annotated[Text, _limited(300)]
Text2000: TypeAlias = Annotated[Text, _limited(2000)]


class Confirm(Part):
    """The question before an action."""

    title: Plain100
    text: Text300
    confirm: Plain30
    deny: Plain30
    style: Style | None = None


class Option(Part):
    """One choice of a menu."""

    text: Plain75
    value: Annotated[str, _of_length(1, 150)]
    description: Plain75 | None = None


class ListedOption(Option):
    """One choice of checkboxes or radio buttons, which may be formatted."""

    text: Text75  # type: ignore[assignment]  # Slack widens the type here
    description: Text75 | None = None  # type: ignore[assignment]  # as above


class OverflowOption(Option):
    """One entry of an overflow menu, which may be a link."""

    url: Url | None = None


class OptionGroup(Part):
    """Choices under a heading."""

    label: Plain75
    options: Annotated[list[Option], Field(min_length=1, max_length=100)]


class DispatchConfig(Part):
    """When typing into a field tells the app."""

    trigger_actions_on: Annotated[
        list[Literal["on_enter_pressed", "on_character_entered"]], Field(min_length=1, max_length=2)
    ]


class ConversationFilter(Part):
    """Which conversations a menu lists."""

    include: Annotated[list[Literal["im", "mpim", "private", "public"]], Field(min_length=1)] | None = None
    exclude_external_shared_channels: bool | None = None
    exclude_bot_users: bool | None = None


# --- elements ---------------------------------------------------------------------------------------------------------


class Element(Part):
    """What a person can use."""

    action_id: Id | None = None


class Asking(Element):
    """An element that may ask before it acts."""

    confirm: Confirm | None = None


class Choosing(Asking):
    """A menu or field with a hint in it."""

    placeholder: Plain150 | None = None
    focus_on_load: bool | None = None


class Button(Asking):
    """A button."""

    type: Literal["button"]
    text: Plain75
    url: Url | None = None
    value: Annotated[str, StringConstraints(max_length=2000)] | None = None
    style: Style | None = None
    accessibility_label: Annotated[str, StringConstraints(max_length=75)] | None = None


class Image(Part):
    """A picture beside text."""

    type: Literal["image"]
    alt_text: Annotated[str, StringConstraints(max_length=2000)]
    image_url: Url | None = None
    slack_file: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.image_url is None) == (self.slack_file is None):
            raise refuse("must provide exactly one of image_url and slack_file")
        return self


def _values(options: list[Option] | None, groups: list[OptionGroup] | None = None) -> list[str]:
    return [option.value for option in options or []] + [
        option.value for group in groups or [] for option in group.options
    ]


def _known(chosen: list[Option] | None, values: list[str], key: str) -> None:
    if any(option.value not in values for option in chosen or []):
        raise refuse("must match one of the values in the options array", at=key)


Options: TypeAlias = Annotated[list[Option], Field(min_length=1, max_length=100)]
Groups: TypeAlias = Annotated[list[OptionGroup], Field(min_length=1, max_length=100)]


class _Static(Choosing):
    options: Options | None = None
    option_groups: Groups | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if (self.options is None) == (self.option_groups is None):
            raise refuse("must provide exactly one of options and option_groups")
        return self


class StaticSelect(_Static):
    """A menu with its choices in it."""

    type: Literal["static_select"]
    initial_option: Option | None = None

    @model_validator(mode="after")
    def _initial(self) -> Self:
        chosen = [self.initial_option] if self.initial_option else []
        _known(chosen, _values(self.options, self.option_groups), "initial_option")
        return self


Most: TypeAlias = Annotated[int, Field(ge=1)]


class MultiStaticSelect(_Static):
    """A menu of which several can be chosen."""

    type: Literal["multi_static_select"]
    initial_options: Options | None = None
    max_selected_items: Most | None = None

    @model_validator(mode="after")
    def _initial(self) -> Self:
        _known(self.initial_options, _values(self.options, self.option_groups), "initial_options")
        return self


class ExternalSelect(Choosing):
    """A menu that asks the app for its choices."""

    type: Literal["external_select"]
    initial_option: Option | None = None
    min_query_length: Annotated[int, Field(ge=0)] | None = None


class MultiExternalSelect(Choosing):
    """As `ExternalSelect`, for several."""

    type: Literal["multi_external_select"]
    initial_options: Options | None = None
    min_query_length: Annotated[int, Field(ge=0)] | None = None
    max_selected_items: Most | None = None


class UsersSelect(Choosing):
    """A menu of people."""

    type: Literal["users_select"]
    initial_user: str | None = None


class MultiUsersSelect(Choosing):
    """As `UsersSelect`, for several."""

    type: Literal["multi_users_select"]
    initial_users: list[str] | None = None
    max_selected_items: Most | None = None


class ConversationsSelect(Choosing):
    """A menu of conversations."""

    type: Literal["conversations_select"]
    initial_conversation: str | None = None
    default_to_current_conversation: bool | None = None
    response_url_enabled: bool | None = None
    filter: ConversationFilter | None = None


class MultiConversationsSelect(Choosing):
    """As `ConversationsSelect`, for several."""

    type: Literal["multi_conversations_select"]
    initial_conversations: list[str] | None = None
    default_to_current_conversation: bool | None = None
    filter: ConversationFilter | None = None
    max_selected_items: Most | None = None


class ChannelsSelect(Choosing):
    """A menu of public channels."""

    type: Literal["channels_select"]
    initial_channel: str | None = None
    response_url_enabled: bool | None = None


class MultiChannelsSelect(Choosing):
    """As `ChannelsSelect`, for several."""

    type: Literal["multi_channels_select"]
    initial_channels: list[str] | None = None
    max_selected_items: Most | None = None


class _Listed(Asking):
    focus_on_load: bool | None = None
    options: Annotated[list[ListedOption], Field(min_length=1, max_length=10)]


class Checkboxes(_Listed):
    """Boxes to tick."""

    type: Literal["checkboxes"]
    initial_options: Annotated[list[ListedOption], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _initial(self) -> Self:
        _known([*(self.initial_options or [])], _values([*self.options]), "initial_options")
        return self


class RadioButtons(_Listed):
    """Choices of which one can be taken."""

    type: Literal["radio_buttons"]
    initial_option: ListedOption | None = None

    @model_validator(mode="after")
    def _initial(self) -> Self:
        _known([self.initial_option] if self.initial_option else [], _values([*self.options]), "initial_option")
        return self


class Overflow(Asking):
    """The three dots."""

    type: Literal["overflow"]
    options: Annotated[list[OverflowOption], Field(min_length=1, max_length=5)]


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class DatePicker(Choosing):
    """A calendar."""

    type: Literal["datepicker"]
    initial_date: Annotated[str, StringConstraints(pattern=_DATE)] | None = None


class TimePicker(Choosing):
    """A time of day."""

    type: Literal["timepicker"]
    initial_time: Annotated[str, StringConstraints(pattern=_TIME)] | None = None
    timezone: str | None = None


class DatetimePicker(Asking):
    """A moment."""

    type: Literal["datetimepicker"]
    initial_date_time: Annotated[int, Field(ge=1_000_000_000, le=9_999_999_999)] | None = None
    focus_on_load: bool | None = None


class _Typing(Element):
    placeholder: Plain150 | None = None
    focus_on_load: bool | None = None
    dispatch_action_config: DispatchConfig | None = None


class PlainTextInput(_Typing):
    """A field for text."""

    type: Literal["plain_text_input"]
    initial_value: Annotated[str, StringConstraints(max_length=3000)] | None = None
    multiline: bool | None = None
    min_length: Annotated[int, Field(ge=0, le=3000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=3000)] | None = None

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise refuse("min_length must be less than max_length", at="min_length")
        if self.initial_value is not None and self.max_length is not None and len(self.initial_value) > self.max_length:
            raise refuse(f"must be less than {self.max_length + 1} characters", at="initial_value")
        return self


class EmailInput(_Typing):
    """A field for an e-mail address."""

    type: Literal["email_text_input"]
    initial_value: str | None = None


class UrlInput(_Typing):
    """A field for an address on the web."""

    type: Literal["url_text_input"]
    initial_value: str | None = None


class NumberInput(_Typing):
    """A field for a number; its limits are texts."""

    type: Literal["number_input"]
    is_decimal_allowed: bool
    initial_value: str | None = None
    min_value: str | None = None
    max_value: str | None = None


class FileInput(Element):
    """A field for files."""

    type: Literal["file_input"]
    filetypes: list[str] | None = None
    max_files: Annotated[int, Field(ge=1, le=10)] | None = None


class RichTextInput(_Typing):
    """A field for formatted text."""

    type: Literal["rich_text_input"]
    initial_value: dict[str, Any] | None = None
