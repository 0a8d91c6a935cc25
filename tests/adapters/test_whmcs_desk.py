"""The WHMCS desk keeps the contract, against a stand-in that allows only what WHMCS documents."""

from typing import ClassVar

import pytest

from adapters.whmcs import WhmcsDesk
from bot.sandbox.desks.whmcs import WhmcsStandIn
from tests.adapters.conformance_wire import WireConformance


class TestWhmcs(WireConformance):
    adapter = WhmcsDesk
    fields: ClassVar = {"asset_tag": "PC-17 ü ✓", "site": 'Oslo "north"'}
    shown: ClassVar = {"Asset tag": "PC-17 ü ✓", "Site": 'Oslo "north"'}
    extra: ClassVar = {"send_times": True, "webhook_secret": "hook-secret-7d1", "department": "1"}
    made: ClassVar[list[WhmcsStandIn]] = []

    def stand_in(self):
        self.made.append(WhmcsStandIn())
        return self.made[-1]

    def broken(self, table):
        yield "identifier", {**table, "secret": "wrong"}
        yield "url", {**table, "api_path": "none.php"}
        yield "department", {**table, "department": "77"}
        yield "open_status", {**table, "open_status": "Reopened"}

    @pytest.fixture(autouse=True)
    def nothing_undocumented_is_sent(self):
        self.made.clear()
        yield
        assert [] == [wrong for stand_in in self.made for wrong in stand_in.violations]
