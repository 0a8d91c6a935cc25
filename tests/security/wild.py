"""Spoils real payloads quickly: bytes, JSON values and texts, always the same for the same seed."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

ODD_TEXTS = (
    *("", " ", "\x00", "\x0b\x1f", "\ufffe", "\ud800", "\u202egpj.exe", "é" * 300, "a" * 70_000, "null", "undefined"),
    *(
        "<!channel>",
        "<@U1>",
        "<https://evil.test|bank.com>",
        "'; DROP TABLE x; --",
        "../../etc/passwd",
        "%00",
        "{{7*7}}",
    ),
    *(
        "payload",
        "payload={}",
        "<script>alert(1)</script>",
        "]]>",
        "&amp;lt;",
        "-0",
        "1e999",
        "99999999999999999999",
        "²",
    ),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 1e308, -0.0, [], {}, [[]], [{}], {"": {}}, ["x"] * 50),
    *ODD_TEXTS,
)
BYTES = (
    *(b"\x00", b"\xff\xfe", b"\xc3\x28", b"[" * 5_000, b'{"a":' * 2_000, b"<a>" * 300, b"NaN", b"1e400", b"\\ud800"),
    *(b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<!doctype html><title>Sign in</title>", b"a:1:{i:0;O:8:stdClass:0:{}}"),
    *(b"\r\n\r\n", b"]]>", b"&xxe;", b"<?xml version='1.0' encoding='utf-7'?>", b"%", b"&payload=%7B%7D"),
)


class Wild:
    """A source of spoilt things; where its chances and its odd things come from may be set."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.odd_text: Callable[[], str] = lambda: self.random.choice(ODD_TEXTS)
        self.odd_value: Callable[[], Any] = lambda: self.random.choice(ODD_VALUES)

    def text(self, before: str = "") -> str:
        """A text, odd or a spoilt *before*."""
        if before and self.random.random() < 0.5:
            at = self.random.randrange(len(before) + 1)
            return before[:at] + self.odd_text() + before[at:]
        return self.odd_text()

    def spoilt(self, raw: bytes) -> bytes:
        """*raw* with some of its bytes changed, cut, doubled or added to."""
        for _ in range(self.random.randint(1, 3)):
            a, b = sorted(self.random.randrange(len(raw) + 1) for _ in range(2))
            raw = self.random.choice(
                (
                    lambda raw=raw, a=a: raw[:a],
                    lambda raw=raw, a=a, b=b: raw[:a] + raw[b:],
                    lambda raw=raw, a=a, b=b: raw[:b] + raw[a:],
                    lambda raw=raw, a=a: raw[:a] + self.random.choice(BYTES) + raw[a:],
                    lambda raw=raw, a=a: raw[:a] + self.random.randbytes(8) + raw[a + 8 :],
                )
            )()
        return raw[:900_000]

    def value(self, value: Any) -> Any:
        """A JSON *value* of which one place, however deep, holds something else."""
        if isinstance(value, dict) and value and self.random.random() < 0.85:
            key = self.random.choice(list(value))
            if self.random.random() < 0.15:
                return {name: inner for name, inner in value.items() if name != key}
            return {**value, key: self.value(value[key])}
        if isinstance(value, list) and value and self.random.random() < 0.85:
            at = self.random.randrange(len(value))
            return [*value[:at], self.value(value[at]), *value[at + 1 :]]
        return self.odd_value()

    def body(self, raw: bytes) -> bytes:
        """*raw* spoilt as bytes, or (where it is JSON) as a value."""
        if self.random.random() < 0.6:
            try:
                return json.dumps(self.value(json.loads(raw))).encode("utf-8", "replace")
            except (ValueError, RecursionError):
                pass
        return self.spoilt(raw)

    def headers(self, right: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """*right* headers of which one is spoilt, missing or there twice."""
        pairs = list(right.items())
        if not pairs:
            return pairs
        at = self.random.randrange(len(pairs))
        name, value = pairs[at]
        pairs[at : at + 1] = self.random.choice(
            ([], [(name, value), (name, value)], [(name, self.spoilt(value))], [(name, b"\xff")], [(name, b"9" * 400)])
        )
        return pairs
