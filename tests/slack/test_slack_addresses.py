"""Which ticket an address opens, by the pattern of its desk."""

import pytest
from hypothesis import given, strategies as st

from bot.slack.addresses import Addressed, hosts, ticket_at

WHMCS = "https://billing.example.com/admin/supporttickets.php?action=view&id={id}"


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        (WHMCS, "https://billing.example.com/admin/supporttickets.php?action=view&id=12", Addressed(id="12")),
        (WHMCS, "https://BILLING.example.com/admin/supporttickets.php?action=view&id=12#reply", Addressed(id="12")),
        (WHMCS, "https://billing.example.com/admin/supporttickets.php?action=view&id=12&c=3", Addressed(id="12")),
        (WHMCS, "https://billing.example.com/admin/supporttickets.php?action=close&id=12", None),
        (WHMCS, "https://billing.example.com.evil.example/admin/supporttickets.php?action=view&id=12", None),
        (WHMCS, "https://evil.example/?https://billing.example.com/admin/supporttickets.php?action=view&id=1", None),
        (WHMCS, "https://billing.example.com/admin/supporttickets.php?action=view&id=", None),
        ("https://a.example/t/{id}", "https://a.example/t/7/", Addressed(id="7")),
        ("https://a.example/t/{id}", "https://a.example/t/7?x=1", Addressed(id="7")),
        ("https://a.example/t/{id}", "https://a.example/t/7/edit", None),
        ("https://a.example/t/{number}", "https://a.example/t/ABC-123456", Addressed(number="ABC-123456")),
        ("https://a.example/{id}/{number}", "https://a.example/5/QX-9", Addressed(id="5", number="QX-9")),
        ("https://a.example/t.php?id={id}", "https://a.example/tXphp?id=3", None),
        ("https://a.example/t/{id}", "https://user:secret@a.example/t/3", Addressed(id="3")),
        ("https://a.example/t", "https://a.example/t", None),
        ("", "https://a.example/t/1", None),
        ("https://a.example/t/{id}", "mailto:a.example/t/1", None),
        ("https://a.example/t/{id}", "https://[broken/t/1", None),
    ],
)
def test_an_address_names_its_ticket(pattern, url, expected):
    assert expected == ticket_at(pattern, url)


@given(st.text())
def test_no_text_is_too_wild_to_be_read(text):
    for wild in (text, f"https://a.example/t/{text}", f"https://{text}"):
        found = ticket_at("https://a.example/t/{id}", wild)
        assert found is None or found.id.replace("-", "").isalnum()


def test_the_hosts_are_named_once_and_without_ports():
    patterns = ["https://B.example:8443/t/{id}", "", "https://a.example/{number}", WHMCS.replace("billing", "b"), WHMCS]

    assert ("b.example", "a.example", "b.example.com", "billing.example.com") == hosts([*patterns, patterns[0]])


def test_a_host_that_is_a_placeholder_is_none():
    assert () == hosts(["https://{id}.example/t", "ftp://a.example/{id}"])
