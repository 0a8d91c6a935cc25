"""The Web API's methods about people, the workspace and the app itself."""

from typing import Any

from bot.sandbox.slack.calls import Call, Method, method
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.posting import bot_profile
from bot.sandbox.slack.state import SandboxPerson

_SLACKBOT = SandboxPerson(id="USLACKBOT", name="slackbot", real_name="Slackbot", team_id="")
_EMOJI = {"kestrel": "https://emoji.slack-edge.com/kestrel.png", "ship_it": "alias:squirrel"}


def _object(call: Call, person: SandboxPerson) -> dict[str, Any]:
    """A user object. The e-mail address needs its own scope, and strangers do not show theirs."""
    profile: dict[str, Any] = {
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "title": person.title,
        "team": person.team_id,
        "avatar_hash": "g" + person.colour,
    }
    own = person is _SLACKBOT or person.team_id == call.state.team_id
    if own and person.email and "users:read.email" in call.workspace.events.scopes:
        profile["email"] = person.email
    user: dict[str, Any] = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "color": person.colour,
        "real_name": person.real_name,
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": person.guest,
        "is_ultra_restricted": False,
        "is_bot": person.bot,
        "is_app_user": False,
        "updated": 1700000000,
    }
    if not own:
        user["is_stranger"] = True
    if call.flag("include_locale"):
        user["locale"] = person.locale
    return user


async def _info(call: Call) -> dict[str, Any]:
    person = _SLACKBOT if call.need("user") == _SLACKBOT.id else call.state.people.get(call.need("user"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": _object(call, person)}


async def _list(call: Call) -> dict[str, Any]:
    own = [person for person in call.state.people.values() if not person.stranger]
    limit = call.number("limit", 1000)
    part, metadata = call.page(own, min(limit, 1000))
    members = [_object(call, person) for person in part]
    return {"members": members, "cache_ts": int(call.state.clock()), **metadata}


async def _by_email(call: Call) -> dict[str, Any]:
    wanted = call.need("email").lower()
    for person in call.state.people.values():
        if person.email.lower() == wanted and not person.stranger:
            return {"user": _object(call, person)}
    raise SlackError("users_not_found")


async def _groups(call: Call) -> dict[str, Any]:
    groups = []
    for group in call.state.groups.values():
        users = list(group["users"])
        shown = {"id": group["id"], "team_id": call.state.team_id, "is_usergroup": True, "handle": group["handle"]}
        shown |= {"name": group["name"], "user_count": len(users), "date_delete": 0}
        groups.append({**shown, "users": users} if call.flag("include_users") else shown)
    return {"usergroups": groups}


async def _bot(call: Call) -> dict[str, Any]:
    wanted = call.text("bot") or call.state.bot_id
    if wanted in call.state.bots:
        return {"bot": {"id": wanted, "deleted": False, "name": call.state.bots[wanted], "app_id": "", "icons": {}}}
    if wanted != call.state.bot_id:
        raise SlackError("bot_not_found")
    return {"bot": bot_profile(call.state)}


async def _team(call: Call) -> dict[str, Any]:
    state = call.state
    return {"team": {"id": state.team_id, "name": state.team_name, "domain": state.domain, "email_domain": ""}}


async def _emoji(call: Call) -> dict[str, Any]:  # noqa: ARG001 - the list is the same for every call
    return {"emoji": _EMOJI, "cache_ts": "1700000000.000000"}


async def _auth(call: Call) -> dict[str, Any]:
    state = call.state
    return {
        "url": f"https://{state.domain}.slack.com/",
        "team": state.team_name,
        "user": state.people[state.bot_user_id].name,
        "team_id": state.team_id,
        "user_id": state.bot_user_id,
        "bot_id": state.bot_id,
        "is_enterprise_install": False,
    }


async def _test(call: Call) -> dict[str, Any]:
    """Echoes its arguments, the token too: never send one to an address that somebody else chose."""
    if call.text("error"):
        raise SlackError(call.text("error"), more={"args": call.args})
    return {"args": call.args}


async def _connect(call: Call) -> dict[str, Any]:
    url = call.connect()
    if not url:
        raise SlackError("socket_mode_not_enabled")
    return {"url": url}


METHODS: dict[str, Method] = {
    "users.info": method(_info, ["users:read"], per_minute=100),
    "users.list": method(_list, ["users:read"], per_minute=20),
    "users.lookupByEmail": method(_by_email, ["users:read.email"]),
    "usergroups.list": method(_groups, ["usergroups:read"], per_minute=20),
    "bots.info": method(_bot, ["users:read"]),
    "team.info": method(_team, ["team:read"]),
    "emoji.list": method(_emoji, ["emoji:read"], per_minute=20),
    "auth.test": method(_auth, per_minute=600, takes_json=True),
    "api.test": method(_test, per_minute=100, takes_json=True, open_to_all=True),
    "apps.connections.open": method(_connect, per_minute=1, takes_json=True, app_token=True),
}
