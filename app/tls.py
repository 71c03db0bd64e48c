"""Certificates: the one given in the settings, else one from a local authority made on this machine.

A handheld installs the authority once (`/ca.crt`). So that doing so puts nobody at risk elsewhere, the
authority is constrained (RFC 5280, section 4.2.1.10) to this installation's name, to name endings that exist
only in local networks, and to private addresses.
"""

import hashlib
import ipaddress
import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psutil
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.settings import Settings

AUTHORITY_DAYS = 3_650
SERVER_DAYS = 397
"""Browsers refuse server certificates that last longer than 398 days."""
RENEW_DAYS = 30
CLOCK_SKEW = timedelta(days=1)
"""Certificates start this much earlier, for handhelds whose clock is behind."""

LOCAL_ENDINGS = ("localhost", "local", "lan", "internal", "home.arpa", "test")
"""Endings the public name system never gives out (RFC 6761, 6762, 8375; `lan`, `internal` by custom)."""
PRIVATE_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)

log = structlog.get_logger(__name__)


class Certificate(NamedTuple):
    """PEM files of a server: `cert` (chain) and `key`; `authority` is what a handheld installs."""

    cert: Path
    key: Path
    authority: Path | None


def server_certificate(settings: Settings, now: datetime) -> Certificate | None:
    """The certificate to serve with; None when plain HTTP on loopback will do."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        return Certificate(settings.tls_cert, settings.tls_key, None)
    if settings.loopback_only:
        return None
    return local_certificate(settings.data_dir / "tls", names_of(settings), now)


def names_of(settings: Settings) -> list[str]:
    """Names and addresses under which this server can be reached, the one for people first."""
    addresses = [
        entry.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for entry in interface
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    ]
    here = [settings.host] if settings.host not in ("0.0.0.0", "::", "") else []  # noqa: S104 - compared
    private = [address for address in addresses if _constrained_to(address, [])]
    ordered = [settings.name_for_people, socket.gethostname(), "localhost", *here, *private]
    return list(dict.fromkeys(name.lower() for name in ordered))


def local_certificate(folder: Path, names: Sequence[str], now: datetime) -> Certificate:
    """The kept certificate of the local authority for `names`; made or renewed when it does not fit.

    A new authority is made only when there is none, when it is about to expire, or when a name is outside
    what it may sign; handhelds must then install it anew, which the log says.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Certificate(folder / "server.pem", folder / "server.key", folder / "ca.crt")
    authority, authority_key = _authority(folder, names, now)
    if not _fits(made, authority, names, now):
        _issue(made, authority, authority_key, names, now)
        log.info("tls.issued", names=list(names), days=SERVER_DAYS)
    return made


def fingerprint(certificate: Path) -> str:
    """SHA-256 of a certificate in the usual form, for people to compare."""
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    return hashlib.sha256(read.public_bytes(serialization.Encoding.DER)).digest().hex(":").upper()


def _authority(
    folder: Path, names: Sequence[str], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    cert_path, key_path = folder / "ca.crt", folder / "ca.key"
    if cert_path.exists() and key_path.exists():
        kept = x509.load_pem_x509_certificate(cert_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        lasts = kept.not_valid_after_utc - now > timedelta(days=SERVER_DAYS)
        if isinstance(key, ec.EllipticCurvePrivateKey) and lasts and _may_sign(kept, names):
            return kept, key
    key = ec.generate_private_key(ec.SECP256R1())
    fresh = _make_authority(key, names, now)
    _write(key_path, _key_pem(key))
    _write(cert_path, fresh.public_bytes(serialization.Encoding.PEM))
    log.warning("tls.new_authority", install_anew=str(cert_path), fingerprint=fingerprint(cert_path))
    return fresh, key


def _make_authority(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tallyhouse"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Tallyhouse on {names[0]}"[:64]),
        ]
    )
    return (
        _dated(now, AUTHORITY_DAYS)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(
    to: Certificate,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _dated(now, SERVER_DAYS)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tallyhouse")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write(to.key, _key_pem(key))
    _write(to.cert, certificate.public_bytes(serialization.Encoding.PEM))


def _fits(made: Certificate, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    if not (made.cert.exists() and made.key.exists()):
        return False
    kept = x509.load_pem_x509_certificate(made.cert.read_bytes())
    try:
        kept.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is made anew
        return False
    covered = {str(name.value) for name in _alternative_names(kept)}
    return kept.not_valid_after_utc - now > timedelta(days=RENEW_DAYS) and covered >= set(names)


def _alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _may_sign(authority: x509.Certificate, names: Sequence[str]) -> bool:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    endings = [g.value for g in constraints.permitted_subtrees or [] if isinstance(g, x509.DNSName)]
    return all(_constrained_to(name, endings) for name in names)


def _constrained_to(name: str, endings: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return any(name == ending or name.endswith(f".{ending}") for ending in endings)
    return any(address in ipaddress.ip_network(network) for network in PRIVATE_NETWORKS)


def _permitted(names: Sequence[str]) -> list[x509.GeneralName]:
    own = [name for name in names if not _is_address(name)]
    dns = [x509.DNSName(name) for name in dict.fromkeys([*own, *LOCAL_ENDINGS])]
    return [*dns, *(x509.IPAddress(ipaddress.ip_network(network)) for network in PRIVATE_NETWORKS)]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _general(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name)


def _dated(now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable by its owner only."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)
