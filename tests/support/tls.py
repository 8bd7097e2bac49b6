"""A partner's server behind TLS, with a certificate that signed itself."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate_of(folder: Path, name: str, days: tuple[int, int] = (-1, 1)) -> Path:
    """The certificate of this name, with its key; `days` are before and behind now."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    words = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*words))
    return path


@contextmanager
def tls_server(
    certificate: Path, most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED, came: list[bytes] | None = None
) -> Iterator[int]:
    """Answers 204 to every request whose body is `hello`; its port. It speaks at most this version.

    What comes through a handshake is added to `came`.
    """
    heard = [] if came is None else came
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, most
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                raw, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=_answer, args=(raw, context, heard), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def _answer(raw: socket.socket, context: ssl.SSLContext, heard: list[bytes]) -> None:
    try:
        with raw, context.wrap_socket(raw, server_side=True) as sock:
            sock.settimeout(5)
            said = b""
            while more := sock.recv(65536):
                heard.append(more)
                said += more
                if said.endswith(b"hello"):
                    sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    except OSError:
        return
