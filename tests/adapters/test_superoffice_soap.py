"""SuperOffice by SOAP keeps the contract."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar, cast

from adapters.model import Person
from adapters.superoffice_soap import SuperOfficeSoapDesk
from bot.sandbox.desks.superoffice_soap import SuperOfficeSoapStandIn
from tests.adapters.conformance_wire import WireConformance
from tests.adapters.drafts import Pair


class TestSuperOfficeSoap(WireConformance):
    adapter = SuperOfficeSoapDesk
    extra: ClassVar = {"max_file": 1_000_000, "visibility": "public"}
    fields: ClassVar = {"x_24": "PC-17 ü", "x_25": "3", "x_26": "2025-01-31", "x_28": "yes"}
    shown: ClassVar = {"ticket.x_24": "PC-17 ü", "ticket.x_25": "3", "ticket.x_26": "2025-01-31", "ticket.x_28": "1"}

    def stand_in(self):
        return SuperOfficeSoapStandIn()

    @asynccontextmanager
    async def served(self, **settings: Any) -> AsyncIterator[tuple[Pair, dict[str, Any]]]:
        async with super().served(**settings) as (pair, table):
            ada = Person(name="Ada Lovelace", email="ada@example.com", desk_id="11")
            yield replace(pair, requester=ada), table
            assert [] == cast(SuperOfficeSoapStandIn, pair.agents).violations

    def broken(self, table: Mapping[str, Any]):
        yield "password", {**table, "password": "wrong"}
        yield "administrator rights", {**table, "username": "berit", "password": "secret"}
        yield "category", {**table, "department": "999"}
        yield "priority", {**table, "priority": "999"}
        yield "x_99", {**table, "marker_field": "x_99"}
        yield "x_98", {**table, "required_fields": ["x_98"]}
        yield "wsdl", {**table, "namespace": "urn:other"}
        yield "ticket port", {**table, "url": table["url"].replace("/scripts/", "/nowhere/")}
