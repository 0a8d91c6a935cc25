"""TLS to the server: its certificate must be signed by whom the address names, or nothing is sent."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.conversion.ports import Added, StoreAway
from bot.store.store import Store

HERE = "127.0.0.1"


@pytest.fixture
def certificate(tmp_path):
    """A file with a certificate for this machine, signed by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HERE)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HERE))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "redis.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def behind_tls(embedded, certificate):
    """The embedded server's binary has no TLS; this ends it in front of it, as stunnel does. Gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    pipes: set[asyncio.Task[None]] = set()

    async def accepted(reader, writer):
        inner_reader, inner_writer = await asyncio.open_unix_connection(embedded.url.removeprefix("unix://"))
        for source, sink in ((reader, inner_writer), (inner_reader, writer)):
            pipes.add(asyncio.create_task(_pipe(source, sink)))

    server = await asyncio.start_server(accepted, HERE, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(source, sink):
    with suppress(OSError):
        try:
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()


@pytest.mark.usefixtures("store")
async def test_a_server_with_a_certificate_that_we_know_is_used(embedded, certificate, op):
    async with (
        behind_tls(embedded, certificate) as port,
        Store.open(f"rediss://{HERE}:{port}/0?ssl_ca_certs={certificate}") as store,
    ):
        assert [Added.ADDED] == await store.lanes.add([op("a")])
        assert 1 == len(await store.lanes.claim(1))


@pytest.mark.usefixtures("store")
async def test_a_server_with_a_strange_certificate_is_not_used(embedded, certificate):
    async with behind_tls(embedded, certificate) as port:
        with pytest.raises(StoreAway, match="There is no TLS with Redis that can be trusted"):
            async with Store.open(f"rediss://{HERE}:{port}/0", patience=5):
                pass
