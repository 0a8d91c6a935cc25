"""`threadline adapters`: what each kind of desk can do."""

from adapters import registry
from bot.commands.console import print_json, table


def adapters(*, as_json: bool) -> None:
    """The capability matrix, from the adapters themselves."""
    head, *rows = registry.matrix()
    if as_json:
        print_json({kind: {row[0]: row[at] for row in rows} for at, kind in enumerate(head) if kind})
    else:
        table(head, rows)
