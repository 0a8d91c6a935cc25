"""Every operation and parameter of SuperOffice's manual is used, or its page says why it is left out."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.model import Act, Change, Visibility
from adapters.superoffice_soap import wsdl
from adapters.superoffice_soap.operations import OPERATIONS
from adapters.superoffice_soap.port import Port
from tests.adapters.drafts import Pair, file_at
from tests.adapters.superoffice_soap_served import drafts, recording, served

SPEC = (Path(__file__).parent / "specs" / "superoffice_soap.md").read_text()
PAGE = (Path(__file__).parents[2] / "docs" / "adapters" / "superoffice_soap.md").read_text()
MANUAL = {
    cells[0]: (cells[1].split(), ["errorCode", *cells[2].split()])
    for line in SPEC.splitlines()
    if line.startswith("| ")
    and (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] not in {"operation", "---"}
}
LEFT_OUT = {
    name
    for line in PAGE.partition("### Operations left out")[2].splitlines()
    if line.startswith("| `")
    for name in re.findall(r"`([\w.]+)`", line.split("|")[1])
}


def test_each_operation_is_called_or_the_page_says_why_not():
    assert 40 == len(MANUAL)
    assert set(MANUAL) - set(OPERATIONS) == {name for name in LEFT_OUT if "." not in name}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_each_parameter_of_a_called_operation_is_sent_and_each_answer_is_known(operation: str):
    ins, outs = MANUAL[operation]

    assert (tuple(ins), tuple(outs)) == (OPERATIONS[operation].ins, OPERATIONS[operation].outs)
    assert () == Port.load(wsdl.read(None, "urn:ticket")).missing([OPERATIONS[operation]])


Case = tuple[dict[str, Any], dict[str, Any]]  # settings, and what the draft says

REACHED: Mapping[str, Mapping[str, tuple[Case, Case]]] = {
    "newTicket": {
        "title": (({}, {"subject": "One"}), ({}, {"subject": "Two"})),
        "sLevel": (({}, {}), ({}, {"visibility": Visibility.INTERNAL})),
        "categoryId": (({}, {"department": "4"}), ({}, {"department": "5"})),
        "priorityId": (({}, {}), ({}, {"priority": "3"})),
        "owner": (({}, {}), ({"owner": "1"}, {})),
        "customers": (({}, {}), ({"customer": "11"}, {})),
        "extraFields": (({}, {}), ({}, {"fields": {"x_24": "PC"}})),
        "sendNotification": (({}, {}), ({}, {"notify": False})),
    },
    "addMessage3": {
        "messageBody": (({}, {"text": "One"}), ({}, {"text": "Two"})),
        "htmlMessageBody": (({}, {"text": "One"}), ({}, {"text": "Two"})),
        "replyTemplateId": (({}, {}), ({"reply_template": 10}, {})),
        "sLevel": (({}, {}), ({}, {"visibility": Visibility.INTERNAL})),
        "attachmentIds": (({}, {}), ({}, {"file": True})),
        "sendNotification": (({}, {"later": True}), ({}, {"later": True, "notify": False})),
        "To": (({}, {}), ({"mail_to": ["a@x.no"]}, {})),
        "Cc": (({}, {}), ({"mail_cc": ["a@x.no"]}, {})),
        "Bcc": (({}, {}), ({"mail_bcc": ["a@x.no"]}, {})),
    },
}
"""For each parameter two ways to ask for something, between which only what people, forms or settings say differs."""
GIVEN = {"sessionKey", "ticketId"}  # these name the session and the ticket, and nobody chooses them


def test_no_parameter_of_opening_and_writing_is_out_of_reach():
    assert {name: set(MANUAL[name][0]) - GIVEN for name in REACHED} == {name: set(REACHED[name]) for name in REACHED}


@pytest.mark.parametrize(("operation", "part"), [(name, part) for name, parts in REACHED.items() for part in parts])
async def test_each_parameter_can_be_told_what_to_be(operation: str, part: str, tmp_path: Path):
    sent = [await _sent(operation, part, case, tmp_path) for case in REACHED[operation][part]]

    assert sent[0] != sent[1]


async def _sent(operation: str, part: str, case: Case, folder: Path) -> list[str]:
    """The texts in *part* of the last call of *operation*."""
    settings, asked = case
    with recording() as wire:
        async with served(**settings) as (desk, stand_in):
            await _open(drafts(desk, stand_in), dict(asked), folder)
        assert [] == stand_in.violations
    element = wire.last(operation).find(part)
    assert element is not None
    return [str(text) for text in element.itertext()]


async def _open(pair: Pair, asked: dict[str, Any], folder: Path) -> None:
    first = pair.message(asked.pop("text", "It burns."), visibility=asked.pop("visibility", Visibility.PUBLIC))
    first = replace(first, marker="TL-SAME", notify=asked.pop("notify", None))
    if asked.pop("file", False):
        first = replace(first, files=(file_at(folder, "a.txt", b"a"),))
    later = asked.pop("later", False)
    ticket = await pair.open(await pair.draft(first=first, **asked))
    if later:
        await pair.add(ticket, first)


async def test_each_field_of_setticket_is_set_or_the_page_says_why_not():
    manual = set(re.findall(r"`(ticket\.\w+)`", SPEC.partition("## Fields of setTicket")[2]))
    used = set()
    with recording() as wire:
        async with served() as (desk, stand_in):
            ticket = await drafts(desk, stand_in).open()
            for act, value in ((Act.CLOSE, ""), (Act.ASSIGN, "3"), (Act.DEPARTMENT, "5"), (Act.SUBJECT, "x")):
                await desk.change(ticket, Change(act=act, value=value))
                used |= {str(wire.last("setTicket").findtext("ticketValues/item/field"))}

    assert manual - {name for name in LEFT_OUT if "." in name} == used
