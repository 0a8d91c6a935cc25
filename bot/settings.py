"""The settings: one TOML file, with secrets from the environment, each table checked before anything starts."""

import os
import re
import tomllib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters import registry
from adapters.errors import Misconfigured
from adapters.settings import DeskSettings, Token, in_words
from bot.conversion.people import addressed
from bot.words import ENGLISH, LANGUAGES

DEFAULT_FILE = "threadline.toml"
SLACK_API = "https://slack.com/api/"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EMOJI = re.compile(r"(?:[^\WA-Z]|[+'-]){1,100}(?:::skin-tone-[2-6])?")
_WHO = re.compile(r"members|guests|visitors|[SUW][A-Z0-9]{1,30}")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{1,30}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")


class SettingsError(Exception):
    """The settings cannot work. ``problems`` are sentences for people: where, what, and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Table(BaseModel):
    """A table of the file; unknown keys are errors, and no value is ever repeated in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SlackTable(Table):
    """How Slack is reached, and how things look there."""

    mode: Literal["socket", "http"] = Field(
        "socket", description="socket: Threadline connects to Slack. http: Slack connects to Threadline."
    )
    listen: str = Field("127.0.0.1:3000", description="Address and port for HTTP mode; Slack's path is /slack/events.")
    api_url: str = Field(SLACK_API, description="Base of the Web API, for an emulator or a gateway.")
    reactions: tuple[str, ...] = Field(
        ("ticket",), description="Names of the reactions that make a ticket of a message's thread; [] for none."
    )
    language: str = Field(
        ENGLISH,
        description="Language of what a whole thread sees, and of people whose own Slack language has no translation: "
        f"{' or '.join(LANGUAGES)}.",
    )
    guest_emails: bool = Field(
        False, description="Whether the e-mail address of a guest tells which customer of a desk they are."
    )
    receipts: Literal["reaction", "text", "silent"] = Field(
        "reaction",
        description="How people see that a message waits, arrived or failed: by a reaction on it; by one post in its "
        "thread, changed in place, that says so in words (text); or not at all (silent).",
    )
    waiting: str = Field("hourglass_flowing_sand", description="Reaction on a message that waits; empty: none.")
    delivered: str = Field("white_check_mark", description="The same for one that is on its ticket.")
    failed: str = Field("warning", description="The same for one that needs a decision.")

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        return _address(listen)

    @field_validator("language")
    @classmethod
    def _is_spoken(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"must be one of {', '.join(LANGUAGES)}")
        return language

    @field_validator("reactions")
    @classmethod
    def _are_names(cls, reactions: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in reactions if not _EMOJI.fullmatch(name)]:
            raise ValueError(f"must be names of emoji without colons, such as ticket, not {wrong[0]!r}")
        return reactions

    @field_validator("waiting", "delivered", "failed")
    @classmethod
    def _is_name(cls, emoji: str) -> str:
        cls._are_names((emoji,) if emoji else ())
        return emoji

    @field_validator("api_url")
    @classmethod
    def _is_base(cls, api_url: str) -> str:
        if not re.match(r"https?://[^/\s]+", api_url):
            raise ValueError("must be an address, such as https://slack.com/api/")
        return api_url.rstrip("/") + "/"


class RedisTable(Table):
    """Where links and waiting work are kept."""

    url: str = Field("", description="Address of Redis or Valkey; REDIS_URL has precedence; empty: Threadline's own.")
    data_dir: str = Field(
        "",
        description="Where Threadline's own server keeps its data; THREADLINE_DATA has precedence. A relative path is "
        "from where Threadline is started, ~ is the home directory.",
    )
    replicas: int = Field(
        0,
        ge=0,
        le=9,
        description="How many replicas must have what came in before it counts as stored; our own server has none.",
    )


class WorkTable(Table):
    """How much is done at once."""

    at_once: int = Field(20, gt=0, le=500, description="Threads that one worker process serves at the same time.")
    lease: float = Field(
        30.0, ge=1, le=600, description="Seconds after which the work of a dead process is taken over."
    )


class LogTable(Table):
    """What is logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    format: Literal["text", "json"] = Field("text", description="json: one object a line, for machines.")


class OperatorTable(Table):
    """The door for health and metrics: /healthz, /readyz and /metrics."""

    listen: str = Field(
        "127.0.0.1:9464", description="Address and port; empty: no such door. Keep it off the internet."
    )

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        return _address(listen) if listen else ""


class RightTable(Table):
    """A row of who may do what. Without any row: members may do all, guests open, see, reply and close their own."""

    who: tuple[str, ...] = Field(
        min_length=1, description="members, guests, visitors (of other companies), ids of user groups or of people."
    )
    may: tuple[
        Literal["create", "behalf", "see", "search", "reply", "note", "link", "assign", "close", "doctor"], ...
    ] = Field(
        description="What they may do; behalf: open tickets for others; doctor: ask whether Threadline is well. "
        "Nobody may do what no row allows."
    )
    desks: tuple[str, ...] = Field((), description="Names of the desks where they may; empty: all.")
    channels: tuple[str, ...] = Field((), description="Ids of the channels whose tickets it is about; empty: all.")
    tickets: Literal["own", "readable", "unlinked", "all"] = Field(
        "unlinked",
        description="How far it reaches: tickets of their own; and those whose thread they can read; and those without "
        "a thread; and those in conversations that are closed to them.",
    )

    @field_validator("who")
    @classmethod
    def _are_people(cls, who: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in who if not _WHO.fullmatch(one)]:
            raise ValueError(f"must be members, guests, visitors, or ids such as S0123 or U0123, not {wrong[0]!r}")
        return who


class LimitsTable(Table):
    """How much may be asked for before people are told to wait; 0: no limit. Messages in linked threads only wait."""

    tickets_per_person: int = Field(200, ge=0, description="New tickets that one person may open within an hour.")
    tickets_per_channel: int = Field(1000, ge=0, description="The same for all people of a channel together.")
    tickets_per_workspace: int = Field(5000, ge=0, description="The same for everybody.")
    changes_per_person: int = Field(
        60, ge=0, description="Replies and notes by command or form, closings, assignments and links within a minute."
    )
    changes_per_channel: int = Field(300, ge=0, description="The same for all people of a channel together.")
    changes_per_workspace: int = Field(3000, ge=0, description="The same for everybody.")
    lookups_per_person: int = Field(60, ge=0, description="Searches, and tickets asked for by number, within a minute.")
    lookups_per_channel: int = Field(300, ge=0, description="The same for all people of a channel together.")
    lookups_per_workspace: int = Field(1000, ge=0, description="The same for everybody.")
    thread_messages: int = Field(
        10_000, ge=0, description="Messages of a thread that one ticket is made of; longer threads: from a message on."
    )
    file_megabytes: int = Field(
        1024, ge=1, le=1024, description="Size of a file that is brought to a desk; a larger one is linked instead."
    )


class HooksTable(Table):
    """The door for helpdesks that call when a ticket changed, at /hooks/NAME of the desk."""

    listen: str = Field(
        "", description="Address and port of a door of its own; in HTTP mode [slack] listen has it too."
    )

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        return _address(listen) if listen else ""


def _address(listen: str) -> str:
    host, colon, port = listen.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 65536):  # noqa: PLR2004 - the number of ports
        raise ValueError("must be an address and a port, such as 127.0.0.1:3000")
    return listen


def _keys(given: str) -> tuple[bytes, ...]:
    """Keys of 32 bytes from base64, separated by commas. Raises ValueError, in words that do not repeat them."""
    try:
        keys = tuple(b64decode(key.strip(), validate=True) for key in given.split(",") if key.strip())
    except ValueError:
        keys = (b"",)
    if not keys or any(len(key) != 32 for key in keys):  # noqa: PLR2004 - as AES-256 has it
        raise ValueError(
            "must be 32 bytes in base64, as `openssl rand -base64 32` prints them, or several such keys with commas "
            "between; without that variable nothing is encrypted"
        )
    return keys


class Environment(BaseSettings):
    """What comes from the environment and from nowhere else."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, validate_default=False)

    slack_bot_token: Token = SecretStr("")
    slack_app_token: Token = SecretStr("")
    slack_signing_secret: Token = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    threadline_data: str = ""
    threadline_key: SecretStr = SecretStr("")

    @field_validator("threadline_key")
    @classmethod
    def _are_keys(cls, given: SecretStr) -> SecretStr:
        _keys(given.get_secret_value())
        return given


class Settings(Table):
    """All settings, checked."""

    slack: SlackTable = SlackTable()
    redis: RedisTable = RedisTable()
    work: WorkTable = WorkTable()
    log: LogTable = LogTable()
    operator: OperatorTable = OperatorTable()
    hooks: HooksTable = HooksTable()
    limits: LimitsTable = LimitsTable()
    rights: tuple[RightTable, ...] = ()
    requesters: dict[str, str] = {}
    desks: dict[str, DeskSettings] = {}
    environment: Environment = Field(default_factory=Environment)

    @field_validator("requesters")
    @classmethod
    def _are_addresses(cls, requesters: dict[str, str]) -> dict[str, str]:
        for channel, address in requesters.items():
            if not _CHANNEL.fullmatch(channel):
                raise ValueError(f"{channel!r} must be the id of a channel, such as C0123456789")
            if not addressed(address):
                raise ValueError(f"{channel} must have one e-mail address, such as Grace Hopper <grace@example.com>")
        return requesters

    @property
    def redis_url(self) -> str:
        """The address of the external server; empty where Threadline runs its own."""
        return self.environment.redis_url.get_secret_value().strip() or self.redis.url

    @property
    def text_keys(self) -> tuple[bytes, ...]:
        """What texts in Redis are encrypted with: the first encrypts, all decrypt; none: they are not."""
        given = self.environment.threadline_key.get_secret_value()
        return _keys(given) if given else ()

    @property
    def data_dir(self) -> str:
        """Where the own server keeps its data; empty for the platform's usual place."""
        return os.path.expanduser(self.environment.threadline_data or self.redis.data_dir)  # noqa: PTH111 - or empty

    def missing_secrets(self) -> list[str]:
        """Sentences about Slack secrets that the mode needs and the environment does not give."""
        env = self.environment
        needed = {"SLACK_BOT_TOKEN": (env.slack_bot_token, "xoxb-", "OAuth & Permissions")}
        if self.slack.mode == "socket":
            needed["SLACK_APP_TOKEN"] = (env.slack_app_token, "xapp-", "Basic Information, App-Level Tokens")
        else:
            needed["SLACK_SIGNING_SECRET"] = (env.slack_signing_secret, "", "Basic Information, App Credentials")
        return [
            f"{name} is not set in the environment. Copy it from your Slack app's page ({where})."
            if not secret.get_secret_value()
            else f"{name} does not look right: it begins with {prefix}. Copy it again from {where}."
            for name, (secret, prefix, where) in needed.items()
            if not (secret.get_secret_value() and secret.get_secret_value().startswith(prefix))
        ]


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in the file at *path*.

    Raises:
        SettingsError: the file cannot be read, is not TOML, or has keys missing, unknown or wrong; all are named.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            [f"There is no settings file {path}. Copy threadline.example.toml to {path} and fill it in."]
        ) from None
    except OSError as error:
        raise SettingsError([f"The settings file {path} cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path} is not in UTF-8. Save it in that encoding."]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError([f"{path} is not valid TOML: {error}."]) from None
    return parse(document, environ, source=str(path))


def parse(
    document: Mapping[str, Any], environ: Mapping[str, str] = os.environ, *, source: str = "settings"
) -> Settings:
    """The settings in a parsed TOML *document*. Raises SettingsError."""
    problems: list[str] = []
    desks: dict[str, DeskSettings] = {}
    tables = document.get("desks") or {}
    if not isinstance(tables, Mapping):
        raise SettingsError([f"{source}: desks must be tables: write [desks.NAME] and its keys below."])
    for name, table in tables.items():
        try:
            desks[name] = _desk(name, table, environ)
        except Misconfigured as wrong:
            problems.append(f"{source}, [desks.{name}]: {wrong.cause} {wrong.remedy}".strip())
        except SettingsError as wrong:
            problems.extend(f"{source}, {problem}" for problem in wrong.problems)
    if not tables:
        problems.append(f"{source}: there is no desk. Add a [desks.NAME] table; docs/adapters says what goes into it.")
    if "environment" in document:
        problems.append(f"{source}, environment: there is no such table. Set those in the environment of the process.")
    rest: dict[str, Any] = {}
    for key in document.keys() - {"desks", "environment"}:
        try:
            rest |= _with_secrets(f"[{key}]", {key: document[key]}, environ)
        except SettingsError as wrong:
            problems.extend(f"{source}, {problem}" for problem in wrong.problems)
    try:
        plain = Settings.model_validate(rest | {"environment": _environment(environ)})
    except ValidationError as error:
        problems.extend(f"{source}, {_problem(entry)}" for entry in error.errors())
        plain = Settings(environment=Environment.model_construct())
    defaults = [name for name, desk in desks.items() if desk.default]
    if len(defaults) > 1:
        problems.append(f"{source}: {' and '.join(defaults)} both say default = true. Only one desk can.")
    problems.extend(f"{source}, {problem}" for problem in _channel_problems(desks, plain.rights))
    if plain.redis.replicas and not plain.redis_url:
        problems.append(f"{source}, [redis] replicas: Threadline's own server has none. Set REDIS_URL, or take it out.")
    unknown = [desk for right in plain.rights for desk in right.desks if desk not in tables]
    problems.extend(f"{source}, [[rights]] desks: there is no desk called {desk}." for desk in unknown)
    if problems:
        raise SettingsError(problems)
    return plain.model_copy(update={"desks": desks})


def _channel_problems(desks: Mapping[str, DeskSettings], rights: Iterable[RightTable]) -> Iterator[str]:
    """What is no channel's id, and which channels are of more than one desk."""
    named = {
        f"[desks.{name}]": (*desk.channels, *desk.in_channels, *desk.agents_channel.channels)
        for name, desk in desks.items()
    }
    named["[[rights]] channels"] = tuple(channel for right in rights for channel in right.channels)
    for where, channels in named.items():
        for channel in channels:
            if not _CHANNEL.fullmatch(channel):
                yield f"{where}: {channel!r} must be the id of a channel, such as C0123456789."
    owners: dict[str, str] = {}
    for name, desk in desks.items():
        for channel in desk.channels:
            if (owner := owners.setdefault(channel, name)) != name:
                yield f"[desks.{name}] channels: {channel} is a channel of {owner}. Leave it to one of the two."


def _environment(environ: Mapping[str, str]) -> Environment:
    given = {name: environ[name.upper()] for name in Environment.model_fields if name.upper() in environ}
    return Environment.model_validate(given)


def _desk(name: str, table: object, environ: Mapping[str, str]) -> DeskSettings:
    if not _NAME.fullmatch(name):
        raise SettingsError([f"[desks.{name}]: a desk's name is of small letters, digits, - and _ (at most 31)."])
    if not isinstance(table, Mapping):
        raise SettingsError([f"desks.{name} must be a table: write [desks.{name}] and its keys below."])
    return registry.settings_for(name, _with_secrets(f"[desks.{name}]", table, environ))


def _with_secrets(where: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """*table* with each ``"env:NAME"`` replaced by what the environment has. Raises SettingsError."""
    problems: list[str] = []

    def filled(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("env:"):
            name = value.removeprefix("env:")
            if not _VARIABLE.fullmatch(name):  # which may be a secret: it is not repeated
                problems.append(f"{where}: behind env: must be a name of letters, digits and _, as in env:DESK_SECRET.")
            elif name not in environ:
                problems.append(f"{where}: {name} is not set in the environment. Set it and start again.")
            return environ.get(name, "")
        if isinstance(value, Mapping):
            return {key: filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        return value

    result = {key: filled(value) for key, value in table.items()}
    if problems:
        raise SettingsError(problems)
    return result


def _problem(entry: ErrorDetails) -> str:
    """One of pydantic's problems in our words."""
    *tables, key = [str(part) for part in entry["loc"]] or ["settings"]
    where = f"[{'.'.join(tables)}] " if tables else ""
    if entry["loc"] == ("rights",):
        return "rights must be rows: write [[rights]] above each, and its keys below."
    if entry["type"] == "extra_forbidden":
        return f"{where}{key}: {in_words(entry)}. Check its spelling; docs/settings.md lists them all."
    what = f"{key.upper()} in the environment" if key in Environment.model_fields and not tables else f"{where}{key}:"
    return f"{what} {in_words(entry)}."
