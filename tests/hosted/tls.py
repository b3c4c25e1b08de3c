"""A proxy that ends TLS before a plain server, as one stands before a hosted desk."""

import asyncio
import contextlib
import datetime as dt
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "localhost"


def certificate(folder):
    """A certificate for this machine that signs itself, with its key, as one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none) + made.public_bytes(encoding)
    )
    return file


@contextlib.asynccontextmanager
async def proxy(file):
    """A port that speaks TLS, and where to say which port of this machine it passes everything on to."""
    inner = []

    async def pass_on(reader, writer):
        with contextlib.suppress(OSError, ssl.SSLError):
            to_server = await asyncio.open_connection("127.0.0.1", inner[0])
            both = asyncio.gather(_copy(reader, to_server[1]), _copy(to_server[0], writer))
            try:
                await both
            finally:
                for end in (writer, to_server[1]):
                    end.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], inner.append
    finally:
        server.close()


async def _copy(reader, writer):
    with contextlib.suppress(OSError, ssl.SSLError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()
