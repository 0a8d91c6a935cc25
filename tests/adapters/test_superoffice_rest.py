"""SuperOffice by REST keeps the contract, against a stand-in that allows only what SuperOffice documents."""

from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

from adapters.superoffice_rest import SuperOfficeRestDesk
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from tests.adapters.conformance_wire import WireConformance


class TestSuperOfficeRest(WireConformance):
    adapter = SuperOfficeRestDesk
    extra: ClassVar[Mapping[str, Any]] = {"department": "2"}
    fields: ClassVar = {
        "x_asset": "PC-17 ü ✓",
        "SuperOffice:1": "3",
        "SuperOffice:2": "2025-01-31",
        "SuperOffice:3": "yes",
        "SuperOffice:4": "8",
    }
    shown: ClassVar = {
        "x_asset": "PC-17 ü ✓",
        "SuperOffice:1": "[I:3]",
        "SuperOffice:2": "[D:01/31/2025]",
        "SuperOffice:3": "[I:1]",
        "SuperOffice:4": "[I:8]",
    }
    before_opening: ClassVar = 1

    # It claims every capability that has a method of its own, so there is none to refuse.
    test_what_is_not_claimed_is_refused_as_unsupported = None  # type: ignore[assignment] # takes the test away

    def stand_in(self):
        return SuperOfficeRestStandIn()

    @asynccontextmanager
    async def served(self, **settings: Any):
        async with super().served(**settings) as (pair, table):
            yield pair, table
            assert [] == cast(SuperOfficeRestStandIn, pair.agents).violations

    def broken(self, table: Mapping[str, Any]):
        yield "credentials", {**table, "password": "wrong"}
        yield "url", {**table, "url": table["url"] + "/nowhere"}
        yield "department", {**table, "department": "999"}
        yield "priority", {**table, "priority": "999"}
        yield "closed_status", {**table, "closed_status": "1"}
        yield "x_99", {**table, "marker_field": "x_99"}
        yield "x_98", {**table, "required_fields": ["x_98"]}


class TestSuperOfficeRestBeforeAgentsCalls(TestSuperOfficeRest):
    """The same with a SuperOffice before 10.1.9, where files follow their message."""

    extra: ClassVar[Mapping[str, Any]] = {"department": "2", "agents_calls": False}

    def stand_in(self):
        stand_in = SuperOfficeRestStandIn()
        stand_in.calls.has_agents_calls = False
        return stand_in
