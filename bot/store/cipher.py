"""Texts in Redis under a key that Redis never sees: AES-256-GCM, each bound to its place."""

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MARK = "enc1:"
"""What a closed text begins with; everything that was stored open is JSON, a number or a desk's own word."""
_NONCE = 12


class Cipher:
    """Closes texts on their way into Redis and opens them on their way out; without a key they stay as they are."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """*keys* are of 32 bytes: the first one closes, all of them open, so that a key can be replaced."""
        self._keys = [AESGCM(key) for key in keys]

    @property
    def closes(self) -> bool:
        """Whether there is a key."""
        return bool(self._keys)

    def close(self, text: str, place: str) -> str:
        """What is stored of *text* at *place*; elsewhere it cannot be opened. What is closed already stays as it is."""
        if not self._keys or is_closed(text):
            return text
        nonce = os.urandom(_NONCE)
        return _MARK + b64encode(nonce + self._keys[0].encrypt(nonce, text.encode(), place.encode())).decode()

    def open(self, stored: str, place: str) -> str:
        """The text in *stored*; *stored* itself where it was never closed, or where none of our keys opens it.

        No record begins like a closed text, so whoever reads it next takes it for one of a newer Threadline.
        """
        if not (self._keys and is_closed(stored)):
            return stored
        try:
            sealed = b64decode(stored.removeprefix(_MARK), validate=True)
        except binascii.Error:
            return stored
        for key in self._keys:
            try:
                return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode()).decode()
            except (InvalidTag, ValueError):  # it was closed with another key, for another place, or spoilt
                continue
        return stored


def is_closed(text: str) -> bool:
    """Whether *text* is one that was closed and not opened."""
    return text.startswith(_MARK)


OPEN = Cipher()
"""Closes nothing."""
