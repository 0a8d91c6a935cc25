"""Each kind of mistake is said in words, with what to do about it, and never with a traceback or a secret."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.commands import doctor
from bot.commands.demo import company
from bot.sandbox.slack.server import SlackServer
from bot.settings import SettingsError, load, parse
from bot.slack.limits import METADATA_EVENT
from bot.slack.web import Web
from bot.store.server import attach_or_start, stop

ROOT = Path(__file__).parents[2]
CANARY = "xoxb-canary-7d1f0c"
DESK = '[desks.helpdesk]\nkind = "local"\npath = "desk.sqlite"\n'
WHMCS = '[desks.helpdesk]\nkind = "whmcs"\nurl = "http://127.0.0.1:9"\nidentifier = "i"\nsecret = "env:WHMCS_SECRET"\n'


@pytest.fixture
async def slack():
    server = SlackServer(company())
    async with server.serve():
        yield server


@asynccontextmanager
async def threadline(folder, *words, toml, environment):
    (folder / "threadline.toml").write_text(toml)
    known = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *words,
        cwd=folder,
        env=known | {"PYTHONPATH": str(ROOT), "HOME": str(folder), "THREADLINE_DATA": str(folder / "d")} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
            if (folder / "d").exists():  # the server outlives the process that started it, as it should
                await stop(await attach_or_start(folder / "d"))


async def said(folder, *words, toml, until="", environment=None):
    """What the command prints, to its end or (for one that runs on) until it has said *until*."""
    async with threadline(folder, *words, toml=toml, environment=environment or {}) as process, asyncio.timeout(60):
        text = ""
        while line := await process.stdout.readline():
            text += line.decode()
            if until and until in text:
                process.send_signal(signal.SIGTERM)
                until = ""
        code = await process.wait()
    assert "Traceback" not in text
    assert CANARY not in text
    return code, " ".join(text.split())


def _slack(server):
    return f'[slack]\napi_url = "{server.api_url}"\n'


def _tokens(server, **other):
    workspace = server.workspace
    return {"SLACK_BOT_TOKEN": workspace.bot_token, "SLACK_APP_TOKEN": workspace.app_token} | other


async def test_no_token(tmp_path):
    code, text = await said(tmp_path, "run", toml=DESK)

    assert (1, True) == (code, "SLACK_BOT_TOKEN is not set in the environment. Copy it from" in text)


async def test_a_wrong_token(tmp_path, slack):
    code, text = await said(
        tmp_path, "run", toml=_slack(slack) + DESK, environment=_tokens(slack, SLACK_BOT_TOKEN=CANARY)
    )

    assert (1, True) == (code, "Slack refused (invalid_auth)" in text)


async def test_a_token_of_the_wrong_kind(tmp_path, slack):
    environment = _tokens(slack, SLACK_APP_TOKEN=CANARY)
    code, text = await said(tmp_path, "run", toml=_slack(slack) + DESK, environment=environment)

    assert (1, True) == (code, "SLACK_APP_TOKEN does not look right: it begins with xapp-" in text)


async def test_a_missing_scope(tmp_path, slack):
    slack.scopes.discard("files:read")
    code, text = await said(
        tmp_path, "run", toml=_slack(slack) + DESK, environment=_tokens(slack), until="install the app again"
    )

    assert (0, True) == (code, "the token lacks files:read What to do: Add them under OAuth & Permissions" in text)


async def test_a_desk_that_is_away(tmp_path, slack):
    environment = _tokens(slack, WHMCS_SECRET=CANARY)
    code, text = await said(
        tmp_path, "run", toml=_slack(slack) + WHMCS, environment=environment, until="cannot be reached"
    )

    assert (0, True) == (code, "cannot be reached" in text)


def test_what_came_along_when_a_secret_was_copied_is_left_out():
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "REDIS_URL")
    settings = parse({"desks": {"x": {"kind": "local", "path": "x"}}}, dict.fromkeys(names, " value\r\n"))

    env = settings.environment
    secrets = (env.slack_bot_token, env.slack_app_token, env.slack_signing_secret)
    assert ["value"] * 4 == [*(one.get_secret_value() for one in secrets), settings.redis_url]


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"])
@pytest.mark.parametrize("inside", ["\r", "\n", "\0", "\x7f", "é"])
def test_a_secret_that_no_header_can_hold_is_named_and_not_repeated(name, inside):
    with pytest.raises(SettingsError) as wrong:
        parse({"desks": {"x": {"kind": "local", "path": "x"}}}, {name: f"{CANARY}{inside}-more"})

    (said,) = wrong.value.problems
    assert said.startswith(f"settings, {name} in the environment holds what no header can, such as the end of a line")
    assert CANARY not in said


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ('[slack]\nmood = "good"\n' + DESK, "mood: there is no such key. Check its spelling"),
        ('[slack]\nmode = "pigeon"\n' + DESK, "[slack] mode: Input should be 'socket' or 'http'"),
        ("[slack\n", "is not valid TOML"),
        ("", "there is no desk"),
        ('[desks.helpdesk]\nkind = "local"\npath = "x"\ncolour = "red"\n', "colour: there is no such key"),
        ('[desks.helpdesk]\nkind = "zendesk"\n', "there is no kind of desk called 'zendesk'"),
        (WHMCS, "WHMCS_SECRET is not set in the environment"),
        ('[desks."Help Desk"]\nkind = "local"\n', "a desk's name is of small letters"),
    ],
)
async def test_settings_that_cannot_work(tmp_path, toml, expected):
    code, text = await said(tmp_path, "run", toml=toml, environment={"SLACK_BOT_TOKEN": CANARY})

    assert 1 == code
    assert expected in text


D = "\n[desks.helpdesk]\nkind = 'local'\npath = 'x'\n"
RIGHTS = "[[rights]]\nwho = ['members']\nmay = ['see']\n"
BILLING = WHMCS.replace("env:WHMCS_SECRET", "x")
OTHER = "\n[desks.other]\nkind = 'local'\npath = 'y'\n"


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("desks = 'x'", "desks must be tables: write [desks.NAME]"),
        ("desks = 5", "desks must be tables: write [desks.NAME]"),
        ("[desks.helpdesk]\nkind = ':Foo'", "the adapter :Foo cannot be loaded"),
        ("[desks.helpdesk]\nkind = '.x:Foo'", "the adapter .x:Foo cannot be loaded"),
        ("a = " + "[" * 2000 + "]" * 2000, "is not valid TOML"),
        ("[redis]\nurl = 'env:NOT_THERE'" + D, "[redis]: NOT_THERE is not set in the environment"),
        (D + "title = 'env:NO-PE'", "[desks.helpdesk]: behind env: must be a name of letters, digits and _"),
        (D + "title = 'env:'", "[desks.helpdesk]: behind env: must be a name of letters, digits and _"),
        ("[environment]\nslack_bot_token = 'x'" + D, "environment: there is no such table"),
        (D + "channels = ['#it-help']", "[desks.helpdesk]: '#it-help' must be the id of a channel"),
        (D + "agents_channel = {id = 'agents'}", "[desks.helpdesk]: 'agents' must be the id of a channel"),
        (RIGHTS + "channels = ['#general']" + D, "[[rights]] channels: '#general' must be the id of a channel"),
        ("[slack]\nreactions = [':ticket:']" + D, "[slack] reactions: must be names of emoji without colons"),
        ("[slack]\nwaiting = ':hourglass:'" + D, "[slack] waiting: must be names of emoji without colons"),
        ("[slack]\ndelivered = 'Yes'" + D, "[slack] delivered: must be names of emoji without colons"),
        ("[slack]\nfailed = 'warning '" + D, "[slack] failed: must be names of emoji without colons"),
        ("[redis]\nreplicas = 1" + D, "[redis] replicas: Threadline's own server has none. Set REDIS_URL"),
        (D + "department = 'HR'", "department: the desk has no 'HR'; it has Support, IT, Facilities"),
        (D + "priority = 'Asap'", "priority: the desk has no 'Asap'; it has Low, Normal, High, Urgent"),
        (D + "required_fields = ['asset']", "required_fields: the desk has no 'asset'; it has none"),
        (D + "ask_options = ['serviceid']", "ask_options: it has no parameter 'serviceid'. Leave ask_options out"),
        (D + "departments = ['IT', 'IT']", "departments: has 'IT' more than once"),
        (BILLING + "priority = 'Urgent'", "priority: the desk has no 'Urgent'; it has Low, Medium, High"),
        (BILLING + "required_fields = ['domainid']", "required_fields: the desk has no 'domainid'; it has none"),
        (BILLING + "ask_options = ['hosting']", "no parameter 'hosting'. Use some of serviceid, domainid, "),
        (RIGHTS.replace("[[rights]]", "[rights]") + D, "rights must be rows: write [[rights]] above each"),
        (RIGHTS + "channels = 'C1'" + D, "channels: must be a list, in [ ]"),
        ("slack = 'x'" + D, "slack: must be a table"),
        (D + "channels = 'C1'", "its settings are not right: channels: must be a list, in [ ]. docs/adapters/local.md"),
        (D + "agents_channel = 'C1'", "agents_channel: must be a table."),
        (D.replace("path", "#"), "path: is missing."),
        (BILLING + "password = 'x'\nusername = 'x'", "its settings are not right: give identifier and secret, or"),
        *(
            (D + f"agents_channel = {{{timer} = {time}}}", f"agents_channel.{timer}: ")
            for timer in ("first_reply", "remind", "within")
            for time in ("inf", "1e15")
        ),
        (D + "channels = ['C1']" + OTHER + "channels = ['C1']", "C1 is a channel of helpdesk. Leave it to one"),
    ],
)
def test_settings_that_were_not_meant_so(tmp_path, toml, expected):
    (tmp_path / "threadline.toml").write_text(toml)

    with pytest.raises(SettingsError, match=re.escape(expected)):
        load(tmp_path / "threadline.toml", {})


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_that_is_not_in_utf_8_is_said_to_be_so(tmp_path, encoding):
    (tmp_path / "threadline.toml").write_text(D + "title = 'Café'", encoding=encoding)

    with pytest.raises(SettingsError, match=r"is not in UTF-8\. Save it in that encoding\."):
        load(tmp_path / "threadline.toml", {})


def test_what_the_form_asks_for_may_be_required():
    form = {"ask_options": ["serviceid"], "fields": [{"key": "asset", "label": "Asset"}]}
    table = {"kind": "whmcs", "url": "https://desk", "identifier": "i", "secret": "x", **form}

    found = parse({"desks": {"x": {**table, "required_fields": ["serviceid", "asset"]}}}, {}).desks["x"]
    assert ("serviceid", "asset") == found.required_fields


def test_a_receipt_may_have_a_skin_tone_letters_of_any_script_or_no_reaction():
    slack = {"waiting": "", "delivered": "+1::skin-tone-3", "failed": "承認"}

    found = parse({"slack": slack, "desks": {"x": {"kind": "local", "path": "x"}}}, {}).slack

    assert slack == found.model_dump(include={*slack})


def test_a_value_of_any_table_may_be_in_the_environment_and_paths_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    toml = "[redis]\nurl = 'env:MINE'\ndata_dir = '~/data'" + D.replace("'x'", "'~/desk.sqlite'")
    (tmp_path / "threadline.toml").write_text(toml, encoding="utf-8-sig")

    settings = load(tmp_path / "threadline.toml", {"MINE": "redis://mine"})

    assert ("redis://mine", str(tmp_path / "data")) == (settings.redis_url, settings.data_dir)
    assert {"path": tmp_path / "desk.sqlite"} == settings.desks["helpdesk"].model_dump(include={"path"})


async def test_a_path_that_there_cannot_be(tmp_path):
    code, text = await said(tmp_path, "desk", "check", "helpdesk", toml=DESK.replace("desk.", "a\\u0000b."))

    assert (1, True) == (code, "cannot be used (embedded null byte)" in text)


@pytest.mark.parametrize("config", [".", ""])
async def test_settings_that_are_a_directory(tmp_path, config):
    code, text = await said(tmp_path, "desk", "check", "helpdesk", "--config", config, toml=DESK)

    assert (1, "The settings file . cannot be read: Is a directory.") == (code, text)


@pytest.mark.parametrize("words", [("links", "rebuild", "--days", "1000000"), ("demo", "--port", "99999")])
async def test_a_number_that_is_too_large(tmp_path, words):
    code, text = await said(tmp_path, *words, toml=DESK)

    assert (2, True) == (code, "Input should be less than or equal to" in text)


async def test_no_settings_at_all(tmp_path):
    code, text = await said(tmp_path, "run", "--config", "nowhere.toml", toml=DESK)

    assert (1, True) == (code, "There is no settings file nowhere.toml. Copy threadline.example.toml" in text)


async def test_redis_that_is_away(tmp_path, slack):
    environment = _tokens(slack, REDIS_URL=f"redis://:{CANARY}@127.0.0.1:9/0")
    code, text = await said(tmp_path, "run", toml=_slack(slack) + DESK, environment=environment)

    assert (1, True) == (code, "Redis does not answer" in text)


@pytest.mark.parametrize(
    ("words", "url"),
    [
        (("run",), f"http://{CANARY}"),
        (("doctor",), f"redis://:{CANARY}@127.0.0.1:9/0?nonsense=1"),
        (("reconcile",), f"redis://:{CANARY}@127.0.0.1:9/0?nonsense=1"),
        (("links", "rebuild"), f"http://{CANARY}"),
    ],
)
async def test_an_address_that_is_none_of_redis(tmp_path, slack, words, url):
    code, text = await said(tmp_path, *words, toml=_slack(slack) + DESK, environment=_tokens(slack, REDIS_URL=url))

    assert (1, True) == (code, "REDIS_URL is not an address of Redis. " in text)


@pytest.mark.parametrize("words", [("run",), ("reconcile",), ("links", "rebuild")])
async def test_a_data_directory_that_cannot_be_used(tmp_path, slack, words):
    (tmp_path / "d").write_text("")
    code, text = await said(tmp_path, *words, toml=_slack(slack) + DESK, environment=_tokens(slack))

    assert (1, True) == (code, "cannot be used: File exists. Set THREADLINE_DATA" in text)


async def test_redis_that_may_throw_work_away(tmp_path, slack):
    server = await attach_or_start(tmp_path / "redis")
    try:
        from redis.asyncio import Redis

        async with Redis.from_url(server.url) as client:
            await client.config_set("maxmemory-policy", "allkeys-lru")
        environment = _tokens(slack, REDIS_URL=server.url)
        code, text = await said(tmp_path, "run", toml=_slack(slack) + DESK, environment=environment, until="noeviction")
    finally:
        await stop(server)

    assert (0, True) == (code, "NOT WELL" in text)


async def test_a_port_that_is_taken(tmp_path, slack):
    taken = slack.address.rpartition(":")[2]
    toml = f'[slack]\napi_url = "{slack.api_url}"\nmode = "http"\nlisten = "127.0.0.1:{taken}"\n' + DESK
    code, text = await said(tmp_path, "run", toml=toml, environment=_tokens(slack, SLACK_SIGNING_SECRET=CANARY))

    assert (1, True) == (code, f"Address already in use: '127.0.0.1:{taken}'" in text)


async def test_the_doctor_asks_to_wait_where_slack_does(tmp_path, slack):
    slack.limit_rate("apps.connections.open", retry_after=30, times=2)
    code, text = await said(tmp_path, "doctor", toml=_slack(slack) + DESK, environment=_tokens(slack))

    assert (1, True) == (code, "Slack wants us to wait (ratelimited) What to do: Try again in a minute" in text)


async def test_a_start_opens_the_one_connection_that_slack_allows_in_a_minute(tmp_path, slack):
    slack.scopes.discard("files:read")  # so that it says when it has looked at all
    await said(tmp_path, "run", toml=_slack(slack) + DESK, environment=_tokens(slack), until="install the app again")

    assert 1 == slack.calls["apps.connections.open"]


async def test_the_doctor_finds_all_well_and_says_so(tmp_path, slack):
    code, text = await said(tmp_path, "doctor", toml=_slack(slack) + DESK, environment=_tokens(slack))

    assert (0, False) == (code, "FAIL" in text)


async def test_which_of_its_own_servers_keeps_everything_is_said(tmp_path, slack):
    """With another user or THREADLINE_DATA a command has another, empty one."""
    own, toml, environment = tmp_path / "d", _slack(slack) + DESK, _tokens(slack)
    where = f"ok Redis: Threadline's own server in {own} answers"

    _, alone = await said(tmp_path, "doctor", toml=toml, environment=environment)
    async with threadline(tmp_path, "run", toml=toml, environment=environment) as process, asyncio.timeout(60):
        while (
            f"keeps everything in a server of its own directory={own}".encode() not in await process.stdout.readline()
        ):
            pass
        _, beside = await said(tmp_path, "doctor", toml=toml, environment=environment)

    assert f"{where} (started just now: no Threadline runs with it) ok Redis disk" in alone
    assert f"{where} ok Redis disk" in beside


async def test_the_doctor_says_where_the_disk_of_its_own_server_is_nearly_full(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "room", lambda _: 12.3)
    desks = {"helpdesk": {"kind": "local", "path": "x"}}
    _, disk, *_ = await doctor.redis(parse({"desks": desks}, {"THREADLINE_DATA": str(tmp_path / "d")}))

    said = "12 MB are free on the disk of Threadline's own server"
    assert ("Redis disk", False, said) == (disk.subject, disk.ok, disk.detail)


async def test_the_doctor_names_each_trouble_with_its_remedy(tmp_path, slack):
    slack.scopes.discard("files:read")
    environment = _tokens(slack, WHMCS_SECRET=CANARY)
    code, text = await said(tmp_path, "doctor", "--json", toml=_slack(slack) + WHMCS, environment=environment)

    found = json.loads(text)
    assert (1, False) == (code, found["ok"])
    assert {"Slack, scopes"} <= {line["subject"] for line in found["findings"] if not line["ok"]}
    assert all(line["remedy"] for line in found["findings"] if not line["ok"])


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
async def test_a_thread_that_cannot_be_linked_again_is_counted_and_the_exit_code_says_so(tmp_path, slack, dry_run):
    """Its desk left the settings, here."""
    (channel,) = [one.id for one in slack.workspace.channels.values() if one.name == "it-help"]
    about = {"event_type": METADATA_EVENT, "event_payload": {"desk": "retired", "ticket_id": "7"}}
    async with Web(slack.workspace.bot_token, api_url=slack.api_url) as web:
        await web.call("chat.postMessage", channel=channel, text="The card", metadata=about)
    toml = _slack(slack) + DESK

    code, text = await said(tmp_path, "links", "rebuild", *dry_run, toml=toml, environment=_tokens(slack))
    as_json, found = await said(tmp_path, "links", "rebuild", *dry_run, "--json", toml=toml, environment=_tokens(slack))

    assert (1, True) == (code, text.endswith("1 threads with a card: 0 linked again, 1 could not be."))
    assert "retired: the settings have no desk of this name." in text
    assert (1, [True]) == (as_json, [line["failed"] for line in json.loads(found)])


@pytest.mark.parametrize("output", [">&-", ""], ids=["closed", "ASCII"])
def test_a_command_needs_no_output_that_can_show_all(tmp_path, output):
    (tmp_path / "threadline.toml").write_text(DESK)
    words = 'desk open helpdesk --subject "ここ“" --body x --requester-email a@b.example --json'
    shell = f'"{sys.executable}" -m bot {words} {output}'
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(shell, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("words", ["adapters", "adapters --json", "manifest"])
def test_an_output_that_takes_no_more_is_said_in_words(words):
    shell = f'"{sys.executable}" -m bot {words} >/dev/full'
    done = subprocess.run(shell, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (1, "The output cannot be written: No space left on device.\n") == (done.returncode, done.stderr)
