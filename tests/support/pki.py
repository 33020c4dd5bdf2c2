"""The certificates that servers under test use: one root, one intermediate, leaves for loopback, as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.demo.pki import Issued, issue
from monitor.model.broker import ClientIdentity, Secret, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """A chain and its key on disk, as servers and clients read them."""

    chain: Path
    """PEM, leaf first."""
    key: Path
    leaf: Path
    """PEM, the leaf alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPki:
    """Root -> intermediate -> leaf for localhost, 127.0.0.1 and ::1, a client certificate, and a CA nobody trusts."""

    __test__ = False  # the name is no test class

    now: datetime
    directory: Path
    root: Issued
    intermediate: Issued
    leaf: Issued
    client: Issued
    foreign_root: Issued
    foreign_leaf: Issued
    foreign_client: Issued
    ca_file: Path
    """The root, PEM."""
    client_ca_file: Path
    """Root and intermediate, PEM: what a server needs to check `client`."""
    foreign_ca_file: Path
    server_files: CertificateFiles
    client_files: CertificateFiles
    foreign_client_files: CertificateFiles

    @property
    def chain(self) -> tuple[Issued, ...]:
        """What a well-configured server sends: leaf and intermediate."""
        return (self.leaf, self.intermediate)

    @property
    def trust(self) -> Trust:
        """The root, as a broker's trust."""
        return Trust(source=str(self.ca_file), anchors=(self.root.der,))

    @property
    def client_identity(self) -> ClientIdentity:
        """The client certificate, as a broker's settings hold it."""
        return identity_of(self.client, self.intermediate, source=str(self.client_files.chain))

    @property
    def foreign_client_identity(self) -> ClientIdentity:
        """A client certificate that no server here accepts."""
        return identity_of(self.foreign_client, source=str(self.foreign_client_files.chain))


def identity_of(leaf: Issued, *further: Issued, source: str = "client.pem") -> ClientIdentity:
    """Make a client identity of a leaf and the certificates above it."""
    return ClientIdentity(
        source=source, chain=tuple(issued.der for issued in (leaf, *further)), key=Secret(leaf.key_pem)
    )


def write_chain(directory: Path, name: str, chain: Sequence[Issued]) -> CertificateFiles:
    """Write `NAME.chain.pem`, `NAME.key` (the first certificate's) and `NAME.pem`."""
    files = CertificateFiles(
        chain=directory / f"{name}.chain.pem", key=directory / f"{name}.key", leaf=directory / f"{name}.pem"
    )
    files.chain.write_bytes(b"".join(issued.pem for issued in chain))
    files.leaf.write_bytes(chain[0].pem)
    files.key.write_bytes(chain[0].key_pem)
    files.key.chmod(0o600)
    return files


def build_pki(directory: Path, now: datetime) -> TestPki:
    """Issue everything and write it below `directory`, which exists."""
    root = issue(now=now, is_ca=True, subject="Test Root")
    intermediate = issue(now=now, issuer=root, is_ca=True, path_length=0, subject="Test Intermediate")
    leaf = issue(now=now, issuer=intermediate)
    client = issue(now=now, issuer=intermediate, subject="monitor", names=None, extended_key_usage=("clientAuth",))
    foreign_root = issue(now=now, is_ca=True, subject="Foreign Root")
    foreign_client = issue(
        now=now, issuer=foreign_root, subject="stranger", names=None, extended_key_usage=("clientAuth",)
    )
    ca_file = directory / "ca.pem"
    ca_file.write_bytes(root.pem)
    client_ca_file = directory / "client-ca.pem"
    client_ca_file.write_bytes(root.pem + intermediate.pem)
    foreign_ca_file = directory / "foreign-ca.pem"
    foreign_ca_file.write_bytes(foreign_root.pem)
    return TestPki(
        now=now,
        directory=directory,
        root=root,
        intermediate=intermediate,
        leaf=leaf,
        client=client,
        foreign_root=foreign_root,
        foreign_leaf=issue(now=now, issuer=foreign_root),
        foreign_client=foreign_client,
        ca_file=ca_file,
        client_ca_file=client_ca_file,
        foreign_ca_file=foreign_ca_file,
        server_files=write_chain(directory, "server", (leaf, intermediate)),
        client_files=write_chain(directory, "client", (client, intermediate)),
        foreign_client_files=write_chain(directory, "foreign-client", (foreign_client,)),
    )
