"""PHP's forms of data that WHMCS wants inside a parameter."""

import base64
import json
from collections.abc import Iterable, Mapping


def serialized(values: Mapping[str, str]) -> str:
    """*values* as PHP's ``base64_encode(serialize(array))``: numeric keys are integers, lengths count bytes.

    ``{"1": "Google"}`` gives ``a:1:{i:1;s:6:"Google";}`` in base64.
    """
    entries = "".join(f"{_key(key)}{_string(value)}" for key, value in values.items())
    return base64.b64encode(f"a:{len(values)}:{{{entries}}}".encode()).decode()


def attached(files: Iterable[tuple[str, bytes]]) -> str:
    """Files as base64 of a JSON list of their names and base64 contents.

    WHMCS's page speaks of a "filename" key; each of its examples uses "name".
    """
    entries = [{"name": name, "data": base64.b64encode(data).decode()} for name, data in files]
    return base64.b64encode(json.dumps(entries).encode()).decode()


def _key(key: str) -> str:
    is_integer = key.isascii() and key.isdigit() and (key == "0" or not key.startswith("0"))
    return f"i:{key};" if is_integer else _string(key)


def _string(value: str) -> str:
    return f's:{len(value.encode())}:"{value}";'
