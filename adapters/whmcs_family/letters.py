"""Texts for a database that keeps no letter of four bytes, as MySQL's utf8 does: there an emoji goes by its name."""

import re
import unicodedata

FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")
"""What takes four bytes in UTF-8. MySQL's utf8 has room for three, and cuts a text at the first of these."""


def spelled(text: str) -> str:
    """*text* with all that takes four bytes spelled out: ``:party_popper:`` for that emoji, an A for a fancy one."""
    return FOUR_BYTES.sub(lambda found: _spelled(found[0]), text)


def _spelled(letter: str) -> str:
    plain = unicodedata.normalize("NFKC", letter)
    if not FOUR_BYTES.search(plain):
        return plain
    name = unicodedata.name(letter, "")
    return f":{name.lower().replace(' ', '_')}:" if name else f"U+{ord(letter):X}"
