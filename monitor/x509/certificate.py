"""From the certificates of a chain to facts: field by field, so that an odd one costs itself alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from monitor.model.facts import CertificateFacts, Role
from monitor.x509 import der
from monitor.x509.der import DerError, Element
from monitor.x509.distinguished import DistinguishedName, distinguished_name
from monitor.x509.extensions import EXTENSIONS, Extensions, Lost, extensions
from monitor.x509.keys import public_key, signature_algorithm

CERTIFICATE: Final = "certificate"
"""In `unreadable`: the whole is cut off, overlong, or has something behind it."""

_MAX_CERTIFICATE_OCTETS: Final = 262_144
# TBSCertificate has ten fields at most (RFC 5280 4.1).
_MAX_FIELDS: Final = 10
_REQUIRED_FIELDS: Final = 6
# RFC 5280 4.1.2.2 allows 20; what is beyond is odd and still worth showing, up to here.
_MAX_SERIAL_OCTETS: Final = 256
# Kept are the chains of a thousand brokers, about 6 KiB a certificate; a peer that serves more is read anew each time.
# Facts take several times their DER: one that serves other certificates at every probe must not fill the memory.
_REMEMBERED_CHAINS: Final = 1_024
_MAX_REMEMBERED_CERTIFICATES: Final = 16
_MAX_REMEMBERED_OCTETS: Final = 16_384


def read_chain(ders: Sequence[bytes]) -> tuple[CertificateFacts, ...]:
    """Read certificates as they were served. Never raises, whatever the bytes.

    Args:
        ders: DER, in the order in which they were served.

    Returns:
        One record for each, in the same order. The first is the leaf, as TLS clients take it, unless it is a CA and
        one behind it is not: that is a file whose first certificate is a CA's, and the other one is the leaf.
    """
    chain = tuple(ders)
    if len(chain) > _MAX_REMEMBERED_CERTIFICATES or sum(len(encoded) for encoded in chain) > _MAX_REMEMBERED_OCTETS:
        return _read_all(chain)
    return _remembered(chain)


def _read_all(ders: tuple[bytes, ...]) -> tuple[CertificateFacts, ...]:
    read = tuple(_read(encoded) for encoded in ders)
    leaf = _leaf_position(read)
    return tuple(
        replace(facts, position=position, role=Role.LEAF if position == leaf else _role(facts))
        for position, facts in enumerate(read)
    )


# A chain repeats at every probe.
_remembered = lru_cache(maxsize=_REMEMBERED_CHAINS)(_read_all)


def _leaf_position(read: tuple[CertificateFacts, ...]) -> int:
    if read and read[0].is_ca:
        for position, facts in enumerate(read):
            # A version 1 root says nothing of being a CA either; but it is self-issued.
            if not facts.is_ca and facts.is_self_issued is False:
                return position
    return 0


def _role(facts: CertificateFacts) -> Role:
    return Role.ROOT if facts.is_self_issued and facts.is_ca is not False else Role.INTERMEDIATE


def _read(encoded: bytes) -> CertificateFacts:
    lost = Lost()
    fields, is_whole = _fields(encoded[:_MAX_CERTIFICATE_OCTETS], lost)
    # RFC 5280 4.1: version is [0], explicit, and absent in version 1.
    if fields and fields[0].tag == der.context(0, constructed=True):
        del fields[0]
    padded: list[Element | None] = [*fields, *[None] * _REQUIRED_FIELDS]
    serial, signature, issuer, validity, subject, key, *rest = padded
    serial_text = lost.read("serialNumber", _serial, serial)
    signature_name = lost.read("signature", signature_algorithm, signature)
    issuer_name = _name("issuer", issuer, lost)
    not_before, not_after = _validity(validity, lost)
    subject_name = _name("subject", subject, lost)
    key_facts = lost.read("subjectPublicKeyInfo", public_key, key)
    found = _extensions(rest, lost, is_whole=is_whole)
    subject_der = None if subject_name is None or subject is None else subject.encoded
    issuer_der = None if issuer_name is None or issuer is None else issuer.encoded
    return CertificateFacts(
        position=0,
        role=Role.LEAF,
        der=encoded,
        fingerprint_sha256=hashlib.sha256(encoded).hexdigest(),
        subject=None if subject_name is None else subject_name.text,
        issuer=None if issuer_name is None else issuer_name.text,
        subject_der=subject_der,
        issuer_der=issuer_der,
        serial=serial_text,
        not_before=not_before,
        not_after=not_after,
        dns_names=found.dns_names,
        ip_addresses=found.ip_addresses,
        other_names=found.other_names,
        common_name=None if subject_name is None else subject_name.common_name,
        key=key_facts,
        signature=signature_name,
        is_ca=found.is_ca,
        path_length=found.path_length,
        key_usage=found.key_usage,
        extended_key_usage=found.extended_key_usage,
        subject_key_id=found.subject_key_id,
        authority_key_id=found.authority_key_id,
        ca_issuers=found.ca_issuers,
        ocsp_responders=found.ocsp_responders,
        crl_uris=found.crl_uris,
        must_staple=found.must_staple,
        critical_extensions=found.critical,
        certificate_policies=found.certificate_policies,
        explicit_policy_after=found.explicit_policy_after,
        maps_policies=found.maps_policies,
        embedded_scts=found.embedded_scts,
        is_self_issued=None if subject_der is None or issuer_der is None else subject_der == issuer_der,
        spki_sha256=None if key_facts is None or key is None else hashlib.sha256(key.encoded).hexdigest(),
        unreadable=lost.names,
    )


def _fields(encoded: bytes, lost: Lost) -> tuple[list[Element], bool]:
    # The fields of the TBSCertificate as far as they can be told apart, and whether those are all of them.
    fields: list[Element] = []
    try:
        certificate, behind = der.container(encoded, der.SEQUENCE)
        if behind != b"":
            lost.add(CERTIFICATE)
        signed, rest = der.container(certificate, der.SEQUENCE)
        for found in der.elements(signed, at_most=_MAX_FIELDS):
            fields.append(found)  # noqa: PERF402 - what was read before an error must stay
    except DerError:
        lost.add(CERTIFICATE)
        return fields, False
    return fields, rest is not None


def _serial(found: Element) -> str:
    number = der.integer(found)
    if len(found.body) > _MAX_SERIAL_OCTETS:
        raise DerError(f"a serial number of {len(found.body)} octets")
    digits = f"{abs(number):x}"
    # Two digits an octet, as `openssl x509 -serial` writes it.
    return ("-" if number < 0 else "") + "0" * (len(digits) % 2) + digits


def _name(field: str, found: Element | None, lost: Lost) -> DistinguishedName | None:
    name = lost.read(field, lambda source: distinguished_name(source.encoded), found)
    if name is not None and not name.is_whole:
        lost.add(field)
    return name


def _validity(found: Element | None, lost: Lost) -> tuple[datetime | None, datetime | None]:
    moments: list[Element | None] = []
    if found is not None:
        try:
            for moment in der.elements(der.expect(found, der.SEQUENCE).body, at_most=2):
                moments.append(moment)  # noqa: PERF402 - what was read before an error must stay
        except DerError:
            pass
    not_before, not_after, *_ = [*moments, None, None]
    return lost.read("notBefore", der.time, not_before), lost.read("notAfter", der.time, not_after)


def _extensions(rest: list[Element | None], lost: Lost, *, is_whole: bool) -> Extensions:
    for found in rest:
        if found is not None and found.tag == der.context(3, constructed=True):
            return extensions(found, lost)
    if not is_whole:
        lost.add(EXTENSIONS)
    return Extensions()
