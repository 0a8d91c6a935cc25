"""The Keliweb desk keeps the contract, against a stand-in that allows only what Keliweb documents."""

from typing import ClassVar

import pytest

from adapters.keliweb import KeliwebDesk
from bot.sandbox.desks.keliweb import KeliwebStandIn
from tests.adapters.conformance_wire import WireConformance


class TestKeliweb(WireConformance):
    adapter = KeliwebDesk
    fields: ClassVar = {"asset_tag": "PC-17 ü ✓", "site": 'Oslo "north"'}
    shown: ClassVar = {"Asset tag": "PC-17 ü ✓", "Site": 'Oslo "north"'}
    extra: ClassVar = {"send_priority": True, "department": "1", "markdown_names": ("markdown", "useMarkdown")}
    made: ClassVar[list[KeliwebStandIn]] = []

    def stand_in(self):
        self.made.append(KeliwebStandIn(as_in_examples=True))
        return self.made[-1]

    def broken(self, table):
        yield "password", {**table, "password": "wrong"}
        yield "client_id", {**table, "client_secret": "wrong"}
        yield "token_path", {**table, "token_path": "oauth/none"}
        yield "api_path", {**table, "api_path": "api/v3"}
        yield "paths", {**table, "open_path": "OpenTicket"}
        yield "department", {**table, "department": "77"}
        yield "department", {**table, "departments": {}}

    @pytest.fixture(autouse=True)
    def nothing_undocumented_is_sent(self):
        self.made.clear()
        yield
        assert [] == [wrong for stand_in in self.made for wrong in stand_in.violations]
