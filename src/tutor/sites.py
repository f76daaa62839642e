"""What a client needs of a server in order to come to it, directly or by its name.

A server of ours has an address and a port.  An `Entry` has a name, as a site has on a
real machine: the client calls it by that name, on the port that goes with the scheme,
and is led to our port.  Its certificate is its own, and the client trusts no other.
"""

from __future__ import annotations

import base64
import datetime
import http.client
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HOST = "127.0.0.1"
LIMIT = 10  # seconds


class Site(Protocol):
    """Somewhere a client can come to."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def url(self) -> str:
        """Where its pages are, without a slash at the end."""

    @property
    def ws(self) -> str:
        """Where its sockets are, without a slash at the end."""

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What a client trusts here; None where nothing is encrypted."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What leads a browser there."""

    def called(self, path: str, scheme: str = "http") -> str:
        """What a transcript calls a path of it."""


@dataclass(frozen=True)
class Certificate:
    """A certificate and what follows from it.

    Args:
        context: trusts this one only.
        pin: the digest of its key, by which Chromium knows it.
    """

    context: ssl.SSLContext
    pin: str


@dataclass(frozen=True)
class Entry:
    """A site with a name.

    Args:
        name: such as ``board.example``.
        port: where it really listens.
        certificate: None for an entry without TLS.
        plain: where its entry without TLS listens.
    """

    name: str
    port: int
    certificate: Certificate | None
    plain: int

    @property
    def url(self) -> str:
        return f"http{self._s}://{self.name}"

    @property
    def ws(self) -> str:
        return f"ws{self._s}://{self.name}"

    @property
    def _s(self) -> str:
        return "s" if self.certificate else ""

    @property
    def tls(self) -> ssl.SSLContext | None:
        return self.certificate.context if self.certificate else None

    @property
    def arguments(self) -> tuple[str, ...]:
        if self.certificate is None:
            return ()
        rules = f"MAP {self.name}:443 {HOST}:{self.port}"
        rules += f",MAP {self.name}:80 {HOST}:{self.plain}"
        pin = self.certificate.pin
        return (
            f"--host-resolver-rules={rules}",
            f"--ignore-certificate-errors-spki-list={pin}",
        )

    def called(self, path: str, scheme: str = "http") -> str:
        """A path as a whole address."""
        return f"{scheme}{self._s}://{self.name}{path}"


class _Link(http.client.HTTPSConnection):
    """Calls a server by its name, wherever that leads."""

    def __init__(self, name: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(HOST, port, timeout=LIMIT)
        self._name, self._trusted = name, context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._trusted.wrap_socket(self.sock, server_hostname=self._name)


def link(site: Site) -> http.client.HTTPConnection:
    """A connection for requests; each of them has to say the site's name itself."""
    if site.tls is None:
        return http.client.HTTPConnection(HOST, site.port, timeout=LIMIT)
    return _Link(site.url.partition("://")[2], site.port, site.tls)


def host(site: Site) -> str:
    """What its clients put into the header Host."""
    return site.url.partition("://")[2]


def certificate(name: str, folder: Path) -> Certificate:
    """Make a key, and a certificate that it has signed itself, for a day.

    Args:
        name: the site's.
        folder: gets ``cert.pem`` and ``key.pem``, which nobody else may read.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private = os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT, 0o600)
    with open(private, "wb") as file:
        file.write(secret)
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    public = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public)
    return Certificate(context, base64.b64encode(digest.finalize()).decode())
