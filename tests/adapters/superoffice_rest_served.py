"""A SuperOffice desk on site with its stand-in, for tests of details; what is not documented fails them."""

from contextlib import asynccontextmanager

from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from tests.adapters.conformance_wire import entered
from tests.adapters.drafts import Pair


@asynccontextmanager
async def served(stand_in=None, **settings):
    """A stand-in, and the desk with it."""
    stand_in = stand_in or SuperOfficeRestStandIn()
    async with stand_in.serve() as table, entered({**table, "department": "1", **settings}) as desk:
        yield stand_in, Pair(desk, stand_in)
    assert [] == stand_in.violations


def written(stand_in, route):
    """The calls to *route* that change something."""
    return [call for call in stand_in.calls.seen if call.route.endswith(route) and call.method in {"POST", "PATCH"}]
