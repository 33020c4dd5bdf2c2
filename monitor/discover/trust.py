"""Which name and which trust go with a certificate file on this host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.config import pem
from monitor.config.bundle import read_bundle
from monitor.config.hosts import server_name
from monitor.config.private_key import PassphraseNeeded, PassphraseWrong
from monitor.discover.files import Tree
from monitor.discover.listener import Listener
from monitor.model.broker import Trust
from monitor.model.facts import CertificateFacts
from monitor.x509.certificate import read_chain
from monitor.x509.judge import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """How clients would come to accept a listener's certificate."""

    server_name: str | None = None
    """A name that the certificate is for; None if there is none to be had."""
    pattern: str | None = None
    """In its place what the certificate is for instead, such as `*.example.org`."""
    ca_file: Path | None = None
    """None for the system's trust."""
    remark: str | None = None
    """What a person has to find out instead."""


def suggestion(
    tree: Tree, listener: Listener, ca_files: Iterable[Path], system: Trust | None, now: datetime
) -> Suggestion:
    """Look into a listener's certificate file and say by which name and trust to watch it.

    Args:
        tree: the host's files.
        listener: whose certificate it is.
        ca_files: those that the broker names anywhere: the one of a listener is for checking its clients.
        system: the system's trust, if there is any.
        now: the moment at which to judge.
    """
    if listener.certificate is None:
        return Suggestion(remark="its certificate file is not known; set tls.server_name and tls.ca_file")
    try:
        data = tree.content(listener.certificate)
    except ValueError as error:
        return Suggestion(remark=f"cannot use {listener.certificate}: {error}; set tls.server_name and tls.ca_file")
    try:
        chain = read_chain(read_bundle(data, None, with_key=False).certificates)
    except (ValueError, PassphraseNeeded, PassphraseWrong) as error:
        return Suggestion(remark=f"{listener.certificate} holds no certificate that can be read: {error}")
    name = next(filter(_is_usable, (*chain[0].dns_names, *chain[0].ip_addresses)), None)
    pattern = next(iter(chain[0].dns_names), None) if name is None else None
    trusts = [(ca_file, _of(tree, ca_file)) for ca_file in ca_files]
    # Most brokers fill up the chain that they send from there: an intermediate in it is no CA to trust by itself.
    filled = (*chain, *(each for _, trust in trusts for each in read_chain(trust.anchors)))
    if system is not None and _accepts(filled, system, name, now):
        return Suggestion(server_name=name, pattern=pattern)
    for ca_file, trust in trusts:
        if _accepts(chain, trust, name, now):
            return Suggestion(server_name=name, pattern=pattern, ca_file=ca_file)
    top = chain[-1]
    return Suggestion(
        server_name=name,
        pattern=pattern,
        remark="name the CA's certificate that clients trust as tls.ca_file; the file ends at a certificate issued by "
        f"{top.issuer or 'an empty name'}",
    )


def _of(tree: Tree, ca_file: Path) -> Trust:
    try:
        anchors = pem.certificates(tree.content(ca_file))
    except ValueError:
        anchors = ()
    return Trust(source=str(ca_file), anchors=tuple(anchors))


def _accepts(chain: tuple[CertificateFacts, ...], trust: Trust, name: str | None, now: datetime) -> bool:
    return Judge().judge(chain, trust, name or "", now).is_trusted_ignoring_time


def _is_usable(name: str) -> bool:
    try:
        return bool(server_name(name))
    except ValueError:  # a wildcard, or no name at all
        return False
