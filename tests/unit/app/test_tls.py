"""The local authority, used with a real TLS handshake."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.settings import Settings
from app.tls import (
    AUTHORITY_DAYS,
    RENEW_DAYS,
    SERVER_DAYS,
    Certificate,
    fingerprint,
    local_certificate,
    names_of,
    server_certificate,
)

NOW = datetime.now(UTC)
NAMES = ["tally.lan", "localhost", "127.0.0.1"]


async def shake_hands(certificate: Certificate, as_name: str) -> None:
    """Serve with the certificate and connect as a client that trusts only the authority."""
    assert certificate.authority is not None
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate.cert, certificate.key)
    trusting = ssl.create_default_context(cafile=certificate.authority)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=as_name)
        writer.close()


@pytest.mark.parametrize("name", NAMES)
async def test_a_client_that_trusts_the_authority_accepts_the_server(tmp_path: Path, name: str) -> None:
    await shake_hands(local_certificate(tmp_path, NAMES, NOW), name)


async def test_a_name_that_was_not_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await shake_hands(local_certificate(tmp_path, NAMES, NOW), "other.lan")


async def test_the_authority_cannot_vouch_for_a_public_name(tmp_path: Path) -> None:
    made = local_certificate(tmp_path, NAMES, NOW)
    await shake_hands(forged(made, tmp_path, ["evil.lan"]), "evil.lan")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        await shake_hands(forged(made, tmp_path, ["bank.example.com"]), "bank.example.com")


def forged(made: Certificate, folder: Path, names: Sequence[str]) -> Certificate:
    """What somebody could sign who stole the authority's key."""
    from cryptography.hazmat.primitives import serialization

    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"forged-{names[0]}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Certificate(path, folder / "ca.key", made.authority)


def test_the_same_certificate_is_used_again(tmp_path: Path) -> None:
    first = local_certificate(tmp_path, NAMES, NOW).cert.read_bytes()
    assert local_certificate(tmp_path, NAMES[:2], NOW + timedelta(days=1)).cert.read_bytes() == first


def test_it_is_renewed_before_it_expires_by_the_same_authority(tmp_path: Path) -> None:
    made = local_certificate(tmp_path, NAMES, NOW)
    first, authority = made.cert.read_bytes(), (tmp_path / "ca.crt").read_bytes()
    local_certificate(tmp_path, NAMES, NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS + 1))
    assert made.cert.read_bytes() != first
    assert (tmp_path / "ca.crt").read_bytes() == authority


def test_another_local_name_needs_no_new_authority_but_another_public_one_does(tmp_path: Path) -> None:
    local_certificate(tmp_path, NAMES, NOW)
    authority = (tmp_path / "ca.crt").read_bytes()
    local_certificate(tmp_path, ["gate.lan"], NOW)
    assert (tmp_path / "ca.crt").read_bytes() == authority
    local_certificate(tmp_path, ["tally.example.com"], NOW)
    assert (tmp_path / "ca.crt").read_bytes() != authority


def test_the_authority_is_replaced_before_it_could_sign_beyond_its_own_end(tmp_path: Path) -> None:
    local_certificate(tmp_path, NAMES, NOW)
    before = fingerprint(tmp_path / "ca.crt")
    local_certificate(tmp_path, NAMES, NOW + timedelta(days=AUTHORITY_DAYS - SERVER_DAYS))
    assert fingerprint(tmp_path / "ca.crt") != before


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    local_certificate(tmp_path / "tls", NAMES, NOW)
    keys = list((tmp_path / "tls").glob("*.key"))
    assert len(keys) == 2
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_loopback_needs_no_certificate_and_the_world_does(tmp_path: Path) -> None:
    assert server_certificate(Settings(data_dir=tmp_path), NOW) is None
    made = server_certificate(Settings(data_dir=tmp_path, host="0.0.0.0", public_name="Tally.lan"), NOW)
    assert made is not None
    assert made.authority == tmp_path / "tls" / "ca.crt"


def test_a_given_certificate_is_taken_even_on_loopback(tmp_path: Path) -> None:
    settings = Settings(tls_cert=tmp_path / "a.pem", tls_key=tmp_path / "a.key")
    assert server_certificate(settings, NOW) == Certificate(tmp_path / "a.pem", tmp_path / "a.key", None)


def test_the_name_for_people_comes_first_and_loopback_is_always_among_them() -> None:
    names = names_of(Settings(host="0.0.0.0", public_name="Tally.LAN"))
    assert names[0] == "tally.lan"
    assert {"localhost", "127.0.0.1"} <= set(names)
