"""A Redis in memory: just the commands that the store uses, and the product's own scripts in real Lua.

`test_simulation_redis` holds it against the real server.
"""

import copy
import json
import time
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any

import lupa.lua51
from redis.exceptions import NoScriptError, ResponseError

Value = Any
"""A str, a dict (hash), a set, or a `Sorted`."""


class Sorted(dict[str, float]):
    """A sorted set: member -> score."""

    def in_order(self) -> list[str]:
        """Members by score, and by name where scores are equal."""
        return sorted(self, key=lambda member: (self[member], member))


class Broken(AssertionError):
    """The product sent what this model does not know: the model must learn it first."""


def number(value: float) -> str:
    """A score as Redis writes it."""
    return str(int(value)) if value == int(value) else repr(value)


def _limit(text: str) -> float:
    return float(text)


class Server:
    """One server. ``now`` gives milliseconds; ``restart`` makes it another run of the same data."""

    def __init__(self, now: Callable[[], int] | None = None) -> None:
        self.now = now or (lambda: time.time_ns() // 1_000_000)
        self.data: dict[str, Value] = {}
        self.ends: dict[str, int] = {}
        self._next_end = 0
        self.scripts: dict[str, Any] = {}
        self.ears: set[Any] = set()
        self.runs = 0
        self.up = True
        self.run_id = self._next_run()
        self._commands: dict[str, Callable[..., Any]] = {
            name[1:].upper(): getattr(self, name) for name in dir(type(self)) if name[0] == "_" and name[1:] in _KNOWN
        }

    def _next_run(self) -> str:
        self.runs += 1
        return sha1(f"run {self.runs}".encode()).hexdigest()

    # --- what happens to it ------------------------------------------------------------------------------------------

    def copy(self) -> tuple[dict[str, Value], dict[str, int]]:
        """What is on its disk."""
        return {key: copy.copy(value) for key, value in self.data.items()}, dict(self.ends)

    def restart(self, disk: tuple[dict[str, Value], dict[str, int]] | None = None) -> None:
        """Another run of the server, with what it had or with an older copy."""
        if disk is not None:
            self.data, self.ends = {key: copy.copy(value) for key, value in disk[0].items()}, dict(disk[1])
        self.run_id, self.scripts, self.up = self._next_run(), {}, True
        for ear in self.ears:
            ear.cut()
        self.ears.clear()

    # --- commands ----------------------------------------------------------------------------------------------------

    def execute(self, *command: str | int) -> Any:
        """The answer of one command, as redis-py gives it with decoded responses.

        Raises:
            ResponseError: as the server would.
            Broken: a command or an option that the model does not know.
        """
        name, *args = (str(part) for part in command)
        if name == "EVALSHA":
            if args[0] not in self.scripts:
                raise NoScriptError("No matching script.")
            return self._script(self.scripts[args[0]], args[1:])
        if name == "EVAL":
            sha = sha1(args[0].encode()).hexdigest()
            self.scripts[sha] = compiled(args[0])
            return self._script(self.scripts[sha], args[1:])
        return self.call(name, *args)

    def call(self, name: str, *args: str) -> Any:
        """One command, from a client or from a script."""
        command = self._commands.get(name)
        if command is None:
            raise Broken(f"the model does not know {name}")
        if self.ends and self.now() >= self._next_end:
            self._expire()
        return command(*args)

    def _script(self, script: Any, args: Sequence[str]) -> Any:
        _LUA.server = self
        return _LUA.answer(script(int(args[0]), *args[1:]))

    def _expire(self) -> None:
        now = self.now()
        for key in [key for key, end in self.ends.items() if end <= now]:
            del self.ends[key]
            self.data.pop(key, None)
        self._next_end = min(self.ends.values(), default=0)

    def _of(self, key: str, kind: type, *, make: bool = False) -> Any:
        value = self.data.get(key)
        if value is None:
            value = kind()
            if make:
                self.data[key] = value
        elif type(value) is not kind:
            raise ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return value

    def _drop_if_empty(self, key: str) -> None:
        if key in self.data and not self.data[key]:
            del self.data[key]

    def _ping(self) -> str:
        return "PONG"

    def _time(self) -> list[str]:
        now = self.now()
        return [str(now // 1000), str(now % 1000 * 1000)]

    def _info(self, section: str) -> str:
        words = {"server": f"run_id:{self.run_id}", "replication": f"master_replid:{self.run_id[::-1]}"}
        return f"# {section}\r\n{words[section]}\r\n"

    def _publish(self, channel: str, message: str) -> int:
        for ear in self.ears:
            ear.hear(channel, message)
        return len(self.ears)

    # --- keys and strings

    def _exists(self, key: str) -> int:
        return int(key in self.data)

    def _del(self, key: str) -> int:
        self.ends.pop(key, None)
        return int(self.data.pop(key, None) is not None)

    def _pttl(self, key: str) -> int:
        if key not in self.data:
            return -2
        return self.ends[key] - self.now() if key in self.ends else -1

    def _get(self, key: str) -> str | None:
        return self._of(key, str) if key in self.data else None

    def _set(self, key: str, value: str, *options: str) -> str | None:
        words = list(options)
        end = None
        while words:
            word = words.pop(0)
            if word == "NX":
                if key in self.data:
                    return None
            elif word in {"PX", "EX"}:
                span = int(words.pop(0)) * (1 if word == "PX" else 1000)
                if span <= 0:
                    raise ResponseError("invalid expire time in 'set' command")
                end = self.now() + span
            else:
                raise Broken(f"SET {word}")
        self.data[key] = value
        self.ends.pop(key, None)
        if end is not None:
            self.ends[key] = end
            self._next_end = min(self._next_end, end)
        return "OK"

    def _incr(self, key: str) -> int:
        value = int(self._get(key) or "0") + 1
        self.data[key] = str(value)
        return value

    # --- hashes

    def _hget(self, key: str, field: str) -> str | None:
        found: str | None = self._of(key, dict).get(field)
        return found

    def _hmget(self, key: str, *fields: str) -> list[str | None]:
        value = self._of(key, dict)
        return [value.get(field) for field in fields]

    def _hset(self, key: str, *pairs: str) -> int:
        value = self._of(key, dict, make=True)
        new = dict(zip(pairs[::2], pairs[1::2], strict=True))
        added = len(new.keys() - value.keys())
        value.update(new)
        return added

    def _hsetnx(self, key: str, field: str, text: str) -> int:
        value = self._of(key, dict, make=True)
        if field in value:
            return 0
        value[field] = text
        return 1

    def _hdel(self, key: str, field: str) -> int:
        gone = int(self._of(key, dict).pop(field, None) is not None)
        self._drop_if_empty(key)
        return gone

    def _hexists(self, key: str, field: str) -> int:
        return int(field in self._of(key, dict))

    def _hlen(self, key: str) -> int:
        return len(self._of(key, dict))

    def _hincrby(self, key: str, field: str, by: str) -> int:
        value = self._of(key, dict, make=True)
        value[field] = str(int(value.get(field, "0")) + int(by))
        return int(value[field])

    def _hscan(self, key: str, cursor: str, word: str, count: str) -> list[Any]:
        if word != "COUNT":
            raise Broken(f"HSCAN {word}")
        return [0, dict(self._of(key, dict))]

    # --- sets

    def _sadd(self, key: str, member: str) -> int:
        value = self._of(key, set, make=True)
        added = int(member not in value)
        value.add(member)
        return added

    def _srem(self, key: str, member: str) -> int:
        value = self._of(key, set)
        gone = int(member in value)
        value.discard(member)
        self._drop_if_empty(key)
        return gone

    def _smembers(self, key: str) -> set[str]:
        return set(self._of(key, set))

    # --- sorted sets

    def _zadd(self, key: str, *args: str) -> int:
        words = list(args)
        options = set()
        while words[0] in {"XX", "NX", "LT"}:
            options.add(words.pop(0))
        value = self._of(key, Sorted, make=True)
        (score, member) = words
        before, after = value.get(member), float(score)
        wanted = "XX" not in options if before is None else "NX" not in options
        if wanted and not ("LT" in options and before is not None and after >= before):
            value[member] = after
        self._drop_if_empty(key)
        return int(before is None and wanted)

    def _zcard(self, key: str) -> int:
        return len(self._of(key, Sorted))

    def _zscore(self, key: str, member: str) -> str | None:
        score = self._of(key, Sorted).get(member)
        return None if score is None else number(score)

    def _zrem(self, key: str, member: str) -> int:
        gone = int(self._of(key, Sorted).pop(member, None) is not None)
        self._drop_if_empty(key)
        return gone

    def _zcount(self, key: str, least: str, most: str) -> int:
        low, high = _limit(least), _limit(most)
        return sum(low <= score <= high for score in self._of(key, Sorted).values())

    def _zrange(self, key: str, first: str, last: str, *options: str) -> list[str]:
        if options not in {(), ("WITHSCORES",)}:
            raise Broken(f"ZRANGE {options}")
        value: Sorted = self._of(key, Sorted)
        end = int(last) + 1
        members = value.in_order()[int(first) : end or None]
        if options:
            return [text for member in members for text in (member, number(value[member]))]
        return members

    def _zrangebyscore(self, key: str, least: str, most: str, *options: str) -> list[str]:
        value = self._of(key, Sorted)
        low, high = _limit(least), _limit(most)
        members = [member for member in value.in_order() if low <= value[member] <= high]
        if not options:
            return members
        word, offset, count = options
        if word != "LIMIT":
            raise Broken(f"ZRANGEBYSCORE {word}")
        return members[int(offset) : int(offset) + int(count)]


_WORDS = """
ping time info publish exists del pttl get set incr hget hmget hset hsetnx hdel hexists hlen hincrby hscan
sadd srem smembers zadd zcard zscore zrem zcount zrange zrangebyscore
"""
_KNOWN = frozenset(_WORDS.split())

# --- Lua -------------------------------------------------------------------------------------------------------------


_AROUND = """
local call, encode, decode = ...
-- tables and values as Redis' own bindings make them
redis = {
  call = function(...)
    local answer = call(...)
    if type(answer) == 'table' and answer.err then error(answer, 0) end
    return answer
  end,
  error_reply = function(text) return { err = text } end,
}
cjson = { encode = encode, decode = decode }

function split(count, ...)
  local all, keys, args = { ... }, {}, {}
  for i = 1, count do keys[i] = all[i] end
  for i = count + 1, #all do args[i - count] = all[i] end
  return keys, args
end
"""


class _Lua:
    """Lua 5.1, the language of Redis' scripts, with Redis' own names in it. One for the whole process."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.runtime: Any = lupa.lua51.LuaRuntime(unpack_returned_tuples=False)
        self.table: Any = self.runtime.table_from
        self.kind: Any = lupa.lua51.lua_type
        self.runtime.execute(_AROUND, self._call, self._encode, self._decode)

    def compile(self, source: str) -> Any:
        return self.runtime.eval(f"function(...) local KEYS, ARGV = split(...)\n{source}\nend")

    def _call(self, name: str, *args: Any) -> Any:
        server = self.server
        if server is None:
            raise Broken("a script runs without a server")
        answer = server.call(name, *[arg if type(arg) is str else _argument(arg) for arg in args])
        if answer is None:
            return False
        if type(answer) is list:
            return self.table([False if one is None else one for one in answer])
        return answer

    def _encode(self, value: Any) -> str:
        return json.dumps(self._plain(value), separators=(",", ":"))

    def _decode(self, text: str) -> Any:
        return self._lua(json.loads(text))

    def _lua(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.table({key: self._lua(one) for key, one in value.items()})
        return self.table([self._lua(one) for one in value]) if isinstance(value, list) else value

    def _plain(self, value: Any) -> Any:
        return [self._plain(one) for one in value.values()] if self.kind(value) == "table" else value

    def answer(self, value: Any) -> Any:
        """What a client gets for what a script returned."""
        if value is None or value is False:
            return None
        if value is True:
            return 1
        if isinstance(value, float):
            return int(value)
        if isinstance(value, int | str):
            return value
        if value["err"] is not None:
            raise ResponseError(str(value["err"]))
        found = []
        for index in range(1, len(value) + 1):
            one = value[index]
            if one is None:  # an array ends where it has a hole
                break
            found.append(self.answer(one))
        return found


def _argument(value: float) -> str:
    """A number as redis.call sends it."""
    return str(int(value)) if value == int(value) else f"{value:.17g}"


_LUA = _Lua()
_COMPILED: dict[str, Any] = {}


def compiled(source: str) -> Any:
    """A script, compiled once for all servers."""
    if source not in _COMPILED:
        _COMPILED[source] = _LUA.compile(source)
    return _COMPILED[source]
