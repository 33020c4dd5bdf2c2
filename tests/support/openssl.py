"""Certificates as operators make them: with the `openssl` command, in files."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash"
SERVER = "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth"
CLIENT = "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=clientAuth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its private key, PEM, on disk."""

    certificate: Path
    key: Path


def openssl(*arguments: str | Path) -> bytes:
    """Run `openssl`; what it prints."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def certificate(
    directory: Path,
    name: str,
    *,
    issuer: Pair | None = None,
    subject: str | None = None,
    extensions: str = SERVER,
    names: str | None = None,
    days: int = 365,
) -> Pair:
    """Issue `NAME.pem` and `NAME.key`: a request, signed by the issuer's key or, without one, by its own."""
    made = Pair(certificate=directory / f"{name}.pem", key=directory / f"{name}.key")
    request, template = directory / f"{name}.csr", directory / f"{name}.ext"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", made.key)
    openssl("req", "-new", "-key", made.key, "-subj", f"/CN={subject or name}", "-out", request)
    template.write_text(extensions + (f"\nsubjectAltName={names}" if names else "") + "\n")
    signer = ("-signkey", made.key) if issuer is None else ("-CA", issuer.certificate, "-CAkey", issuer.key)
    serial = () if issuer is None else ("-CAcreateserial",)
    signing = ("-days", str(days), "-extfile", template, "-out", made.certificate)
    openssl("x509", "-req", "-in", request, *signer, *serial, *signing)
    return made


def joined(path: Path, *parts: Path | bytes) -> Path:
    """Write a file made of others, as `cat` does."""
    path.write_bytes(b"".join(part if isinstance(part, bytes) else part.read_bytes() for part in parts))
    return path
