"""`threadline adapters`: what each kind of desk can do."""

from adapters import registry
from adapters.contract import Capability
from bot.commands.console import print_json, table


def adapters(*, as_json: bool) -> None:
    """The capability matrix, from the adapters themselves."""
    kinds = {kind: registry.load(kind) for kind in registry.KINDS}
    if as_json:
        print_json(
            {
                kind: {
                    "system": found.system,
                    "capabilities": sorted(found.capabilities),
                    "reconcile": found.reconcile,
                }
                for kind, found in kinds.items()
            }
        )
        return
    rows = [
        [str(can), *("yes" if can in found.capabilities else "-" for found in kinds.values())] for can in Capability
    ]
    rows.append(["finds a lost call", *(str(found.reconcile) for found in kinds.values())])
    table(("", *kinds), rows)
