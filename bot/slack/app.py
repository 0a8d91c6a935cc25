"""The app with all its handlers, and its two ways in: through Bolt what Slack waits for, and events from the store."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.conversion.catalogue import Catalogue
from bot.conversion.intake import Intake
from bot.conversion.ports import Desks, Lanes, Links, NewOp, Threads
from bot.conversion.records import Link
from bot.slack.access import Access
from bot.slack.allowance import UNBOUNDED, Allowance
from bot.slack.answers import Answers, Later
from bot.slack.assigning import Assigning
from bot.slack.cards import CardButtons
from bot.slack.closed import ClosedButtons
from bot.slack.commands import Commands
from bot.slack.doctor import Doctor
from bot.slack.events import Events
from bot.slack.forms import TicketForm
from bot.slack.front import UNREADABLE, Answer
from bot.slack.home import HomeTab
from bot.slack.joining import Joining
from bot.slack.limits import API_URL, RESPONSE_HOSTS
from bot.slack.mentions import Mentions
from bot.slack.moving import Moving
from bot.slack.options import Lists
from bot.slack.parked import ParkedButtons
from bot.slack.policy import DEFAULT, Right
from bot.slack.reactions import REACTIONS, Reactions
from bot.slack.results import Results
from bot.slack.routing import Event, Router
from bot.slack.seal import Seal
from bot.slack.shortcuts import Shortcuts
from bot.slack.sources import Scratch, Sources
from bot.slack.steps import Steps
from bot.slack.tickets import Tickets
from bot.slack.unfurls import Unfurls
from bot.slack.web import Identity, Web

log = logging.getLogger(__name__)

_BOLT = logging.getLogger("slack_bolt.threadline")
_BOLT.setLevel(logging.CRITICAL + 1)  # it logs whole payloads; what goes wrong is logged here, without them


def leads_to_slack(address: Any, api_url: str) -> bool:
    """Whether a response_url is one of Slack's, or of the emulator or gateway that *api_url* names."""
    if not isinstance(address, str) or not re.fullmatch(r"https?://[!-\[\]-~]+", address):
        return False
    try:
        url, base = urlsplit(address), urlsplit(api_url)
        if url.username is not None or url.password is not None:
            return False
        slacks = url.scheme == "https" and url.hostname in RESPONSE_HOSTS and url.port in {None, 443}
        gateways = api_url != API_URL and (url.scheme, url.hostname, url.port) == (
            base.scheme,
            base.hostname,
            base.port,
        )
    except ValueError:
        return False
    return slacks or gateways


class SlackApp:
    """The app: give it payloads."""

    def __init__(self, bolt: AsyncApp, router: Router, later: Later, *, api_url: str) -> None:
        self._bolt = bolt
        self._router = router
        self._later = later
        self._api_url = api_url

    async def interaction(self, body: dict[str, Any]) -> Answer:
        """The answer to a command, shortcut, action, form or request for options, within Slack's three seconds."""
        try:
            response = await self._dispatch(body)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # Bolt's matching, or ours: what a handler raises is answered where it is called. Slack sends no such body.
            log.error("an interaction that cannot be read was refused: %s", type(error).__name__)
            return UNREADABLE
        headers = {name: values[0] for name, values in response.headers.items() if values}
        return Answer(response.status, headers, (response.body or "").encode())

    async def dispatch(self, body: dict[str, Any], link: Link | None) -> NewOp | None:
        """Have an event from the store handled; what follows in its own thread. *link*: that thread's ticket.

        Raises:
            LookLater: it is too early for it.
            StoreAway, SlackTrouble, SlackRefused, SlackOutcomeUnknown: what follows from it was not accepted.
        """
        return await self._router.event(Event(body, link))

    async def drain(self, seconds: float) -> None:
        """Let views that are being filled be filled, for at most *seconds*."""
        await self._later.drain(seconds)

    async def _dispatch(self, body: dict[str, Any]) -> BoltResponse:
        address = body.get("response_url")
        if address is not None and not leads_to_slack(address, self._api_url):
            log.warning("a response_url that does not lead to Slack was left out")
            body = {key: value for key, value in body.items() if key != "response_url"}
        return await self._bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))


def build_app(
    *,
    web: Web,
    identity: Identity,
    intake: Intake,
    links: Links,
    lanes: Lanes,
    desks: Desks,
    threads: Threads,
    catalogue: Catalogue,
    scratch: Scratch,
    secret: str,
    rights: Sequence[Right] = DEFAULT,
    allowance: Allowance = UNBOUNDED,
    requesters: Mapping[str, str] = MappingProxyType({}),
    reactions: Collection[str] = REACTIONS,
) -> SlackApp:
    """The app with all its listeners.

    Args:
        web: an entered `Web`; its session serves Bolt too.
        identity: who we are, from one auth.test at the start.
        intake: the one way to have work done.
        links: which thread is which ticket.
        lanes: where parked work waits for a decision.
        desks: the desks of the settings.
        threads: reads Slack.
        catalogue: the desks' lists.
        scratch: keeps what a form cannot carry.
        secret: signs what forms remember; the signing secret or the bot token.
        rights: who may do what.
        allowance: how much they may ask for.
        requesters: channel -> the address of whom its tickets are for, where they are all for one.
        reactions: names of the reactions that ask for a ticket.
    """
    later = Later()
    answers = Answers(intake, later)
    seal = Seal(secret)
    sources = Sources(threads, scratch)
    access = Access(web=web, threads=threads, links=links, rights=rights)
    tickets = Tickets(intake=intake, links=links, desks=desks, access=access, allowance=allowance)
    form = TicketForm(
        web=web,
        intake=intake,
        links=links,
        desks=desks,
        catalogue=catalogue,
        sources=sources,
        threads=threads,
        seal=seal,
        later=later,
        access=access,
        allowance=allowance,
        requesters=requesters,
    )
    assigning = Assigning(web=web, tickets=tickets, catalogue=catalogue, threads=threads, seal=seal)
    results = Results(
        identity=identity, tickets=tickets, access=access, links=links, desks=desks, answers=answers, later=later
    )
    home = HomeTab(
        web=web, identity=identity, links=links, lanes=lanes, desks=desks, seal=seal, later=later, access=access
    )
    moving = Moving(intake=intake, tickets=tickets, desks=desks, access=access, answers=answers)
    doctor = Doctor(web=web, lanes=lanes, desks=desks, access=access, tickets=tickets)
    router = Router(identity, threads.locale, web.respond)
    for listeners in (
        Events(identity=identity, intake=intake),
        Mentions(
            web=web,
            identity=identity,
            intake=intake,
            tickets=tickets,
            assigning=assigning,
            results=results,
            moving=moving,
            doctor=doctor,
        ),
        form,
        Commands(
            form=form,
            tickets=tickets,
            assigning=assigning,
            results=results,
            answers=answers,
            later=later,
            moving=moving,
            doctor=doctor,
        ),
        Reactions(
            web=web,
            identity=identity,
            intake=intake,
            desks=desks,
            catalogue=catalogue,
            threads=threads,
            form=form,
            answers=answers,
            access=access,
            allowance=allowance,
            requesters=requesters,
            names=reactions,
        ),
        assigning,
        results,
        Shortcuts(identity=identity, form=form),
        Joining(
            web=web,
            identity=identity,
            intake=intake,
            links=links,
            desks=desks,
            sources=sources,
            tickets=tickets,
            answers=answers,
            seal=seal,
            access=access,
        ),
        Lists(desks=desks, catalogue=catalogue, access=access, allowance=allowance),
        CardButtons(web=web, tickets=tickets, threads=threads, answers=answers, seal=seal),
        home,
        moving,
        ClosedButtons(lanes=lanes, threads=threads, tickets=tickets, answers=answers, later=later),
        Steps(intake=intake, desks=desks, catalogue=catalogue, access=access, allowance=allowance),
        Unfurls(web=web, identity=identity, links=links, desks=desks, access=access),
        ParkedButtons(lanes=lanes, answers=answers, home=home, later=later),
    ):
        listeners.register(router)
    bolt = _bolt(web, identity)
    router.register(bolt)
    return SlackApp(bolt, router, later, api_url=web.api_url)


def _bolt(web: Web, identity: Identity) -> AsyncApp:
    """Bolt, without what our own door does already, and without an auth.test for each payload."""
    us = AuthorizeResult(
        enterprise_id=identity.enterprise_id or None,
        team_id=identity.team_id,
        team=identity.team,
        url=identity.url,
        bot_user_id=identity.user_id,
        bot_id=identity.bot_id,
        bot_token=web.token,
    )

    async def authorize() -> AuthorizeResult:
        return us

    bolt = AsyncApp(
        name="threadline_bolt",  # Bolt gives the logger of this name the level of the one below
        logger=_BOLT,
        client=web.client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )

    @bolt.error
    async def failed(error: Exception) -> None:
        raise error  # to whoever dispatched it

    return bolt
