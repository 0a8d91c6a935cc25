"""Archive queries in SuperOffice's own dialect of OData, and the few rules of it that hold for every value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 100
_APART = re.compile(r"['\\\[\]]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to an archive: its columns, what rows must be like, their order, and how many of them."""

    select: Sequence[str]
    where: str = ""
    order: str = ""
    top: int = PAGE
    skip: int = 0

    def parameters(self) -> dict[str, str]:
        """The parameters of the address. Columns, order and number of rows are always told; counts never asked for."""
        asked = {"$select": ",".join(self.select), "$top": str(self.top)}
        if self.where:
            asked["$filter"] = self.where
        if self.order:
            asked["$orderBy"] = self.order
        if self.skip:
            asked["$skip"] = str(self.skip)
        return asked


def needle(words: str) -> str:
    """The longest part of *words* that can stand in a filter.

    How a quote is written inside a text is not documented, and a bracket may mean a set of characters to the database,
    so neither is ever sent; what comes back is compared with the whole of *words* by whoever asked.
    """
    return " ".join(max(_APART.split(words), key=len).split())


def marked_by(field: str, marker: str) -> Query:
    """The question which ticket carries *marker* in an extra field.

    The dynamic archive names columns as the database does, which is where extra fields have their own.
    """
    return Query(select=("ticket.id", f"ticket.{field}"), where=f"ticket.{field} is '{marker}'", order="ticket.id")
