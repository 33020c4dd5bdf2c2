"""What OpenSSL and cryptography think of a chain: is there a path to an anchor, and when does it end?

Measured about them, and relied on here:

- A time set on an X509Store cannot be changed by setting another: a store serves one moment.
- Without a purpose, OpenSSL looks at nobody's extendedKeyUsage. The leaf's is a gate of its own; a CA's limits the
  path, as it does for every client that gives OpenSSL the purpose of a server.
- cryptography knows a server verifier, which checks the name as well, and a client verifier, which does not. Under a
  policy of one's own neither looks at extendedKeyUsage unless it is told. The relaxed opinion is about the path alone,
  so it asks the client verifier.
- A CA that may not sign certificates by its keyUsage passes cryptography's relaxed forms unless it is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, VerificationError
from OpenSSL import crypto

from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Cause, Opinion, PathEnd, Validator
from monitor.x509.anchors import Anchors, load_all, load_cryptography, load_openssl
from monitor.x509.labour import is_laborious
from monitor.x509.names import ip_address
from monitor.x509.usage import is_for_servers

# X509_V_FLAG_NO_CHECK_TIME of <openssl/x509_vfy.h>; pyOpenSSL gives it no name.
_NO_CHECK_TIME: Final = 0x200000
_NO_CERTIFICATE: Final = "no certificate was served"
_NOT_FOR_SERVERS: Final = "extendedKeyUsage of a CA certificate does not let it issue for servers"
_UNLOADABLE_LEAF: Final = "it cannot load the first certificate"
# What cryptography says then; held by a test.
_EXHAUSTED: Final = "signature check limit"
_REMEMBERED_PAIRS: Final = 2048
_MAX_REMEMBERED_OCTETS: Final = 8192
_OVERSIZED_LEAF: Final = "the first certificate, or its key, is larger than this monitor judges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An opinion, and the end of the path that it rests on."""

    opinion: Opinion
    path_not_after: datetime | None
    """The last second in which every certificate of that path is valid; None if there is no path."""
    path_end: PathEnd | None = None
    """Whose end that is: the lowest one, where several end together."""
    is_exhausted: bool = False
    """It gave up: the pile holds more possible paths than it is willing to try."""


class Bench:
    """The validators before one chain, one set of anchors and one reference identity."""

    def __init__(
        self, *, leaf: CertificateFacts | None, others: tuple[CertificateFacts, ...], anchors: Anchors
    ) -> None:
        """Load the chain.

        Args:
            leaf: the certificate served first; None if there is none, or it is too large to be judged.
            others: what came with it, in any order.
            anchors: the trust.
        """
        self._anchors = anchors
        self._not_for_servers = frozenset(facts.der for facts in (*others, *anchors.facts) if not is_for_servers(facts))
        self._openssl_leaf = None if leaf is None else load_openssl(leaf.der)
        self._leaf = None if leaf is None else load_cryptography(leaf.der)
        self._openssl_others = load_all(others, load_openssl)
        self._others = load_all(others, load_cryptography)
        self._is_laborious = leaf is not None and is_laborious((leaf, *others), anchors.facts)

    def openssl(self, at: datetime | None) -> Answer:
        """Ask OpenSSL for a path at this moment; None: as if every certificate were within its dates."""
        if self._openssl_leaf is None:
            return _refusal(Validator.OPENSSL, _UNLOADABLE_LEAF)
        store = crypto.X509Store()
        for anchor in self._anchors.openssl:
            store.add_cert(anchor)
        if at is not None:
            store.set_time(at)
        # An anchor need not be self-signed: whoever names an intermediate or a leaf trusts just that.
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN | (_NO_CHECK_TIME if at is None else 0))
        context = crypto.X509StoreContext(store, self._openssl_leaf, self._openssl_others)
        try:
            path = context.get_verified_chain()
        except crypto.X509StoreContextError as error:
            code, depth, words = error.errors
            return _refusal(Validator.OPENSSL, str(words), code=code, depth=depth)
        encoded = [crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in path]
        if not self._not_for_servers.isdisjoint(encoded[1:]):
            return _refusal(Validator.OPENSSL, _NOT_FOR_SERVERS)
        return _approval(Validator.OPENSSL, [_not_after(certificate) for certificate in path], encoded.__getitem__)

    def relaxed(self, at: datetime) -> Answer:
        """Ask cryptography for a path at this moment, leaving the WebPKI's rules on extensions aside."""
        builder = self._builder(at)
        if self._leaf is None or builder is None:
            return self._no_verifier(Validator.CRYPTOGRAPHY_RELAXED)
        if self._is_laborious:
            return exhausted(Validator.CRYPTOGRAPHY_RELAXED)
        builder = builder.extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
        try:
            path = builder.build_client_verifier().verify(self._leaf, self._others).chain
        except _ERRORS as error:
            if _EXHAUSTED in str(error):
                return exhausted(Validator.CRYPTOGRAPHY_RELAXED)
            return _refusal(Validator.CRYPTOGRAPHY_RELAXED, _one_line(error))
        return _cryptography_approval(Validator.CRYPTOGRAPHY_RELAXED, path)

    def strict(self, at: datetime, reference: str) -> Answer:
        """Ask cryptography as a WebPKI client would: path, profile, extendedKeyUsage and name."""
        builder = self._builder(at)
        if self._leaf is None or builder is None:
            return self._no_verifier(Validator.CRYPTOGRAPHY_STRICT)
        if self._is_laborious:
            return exhausted(Validator.CRYPTOGRAPHY_STRICT)
        address = ip_address(reference)
        try:
            subject = x509.DNSName(reference) if address is None else x509.IPAddress(address)
            path = builder.build_server_verifier(subject).verify(self._leaf, self._others)
        except _ERRORS as error:
            return _refusal(Validator.CRYPTOGRAPHY_STRICT, _one_line(error))
        return _cryptography_approval(Validator.CRYPTOGRAPHY_STRICT, path)

    def _builder(self, at: datetime) -> PolicyBuilder | None:
        store = self._anchors.cryptography
        return None if store is None else PolicyBuilder().store(store).time(at)

    def _no_verifier(self, validator: Validator) -> Answer:
        if self._leaf is None:
            return _refusal(validator, _UNLOADABLE_LEAF)
        return _refusal(validator, "there is no trust anchor that it can load")


def refusals(*, is_empty: bool) -> tuple[Opinion, ...]:
    """Return what each validator says where there is nothing to judge: no certificate, or one too large."""
    words = _NO_CERTIFICATE if is_empty else _OVERSIZED_LEAF
    return tuple(_refusal(validator, words).opinion for validator in Validator)


def exhausted(validator: Validator) -> Answer:
    """Return the answer of a validator that gave up on a pile of certificates, or is spared it."""
    words = "it gave up: these certificates make up too many possible paths, or too many names to compare"
    return Answer(
        opinion=Opinion(validator=validator, accepts=False, error=words), path_not_after=None, is_exhausted=True
    )


def signed_by(certificate: CertificateFacts, issuer: CertificateFacts) -> bool | None:
    """Tell whether the issuer's key made the certificate's signature and the names agree.

    None if the certificates, or that kind of signature, cannot be judged.
    """
    pair = (certificate.der, issuer.der)
    return _remembered(*pair) if sum(map(len, pair)) <= _MAX_REMEMBERED_OCTETS else _is_signed(*pair)


def _is_signed(certificate: bytes, issuer: bytes) -> bool | None:
    below, above = load_cryptography(certificate), load_cryptography(issuer)
    if below is None or above is None:
        return None
    try:
        below.verify_directly_issued_by(above)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return True


# A chain repeats at every probe, and a signature costs more than all the rest of its checks.
_remembered = lru_cache(maxsize=_REMEMBERED_PAIRS)(_is_signed)


def _may_sign(_policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    # RFC 5280 4.2.1.3. OpenSSL holds to it; the recipes that this profile is for leave the extension out.
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("keyUsage of a CA certificate does not include keyCertSign")


def _may_issue_for_servers(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    if usage is not None and {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}.isdisjoint(
        usage
    ):
        raise ValueError(_NOT_FOR_SERVERS)


_CA_POLICY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_issue_for_servers)
)
_LEAF_POLICY: Final = ExtensionPolicy.permit_all().require_present(
    x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
)
# Beside its verdict, cryptography lets through what its parsers say of odd fields that it meets on the way.
_ERRORS: Final = (
    VerificationError,
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def _not_after(certificate: crypto.X509) -> datetime | None:
    encoded = certificate.get_notAfter()
    try:
        return datetime.strptime((encoded or b"").decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _cryptography_approval(validator: Validator, path: list[x509.Certificate]) -> Answer:
    ends = [certificate.not_valid_after_utc for certificate in path]
    return _approval(validator, ends, lambda place: path[place].public_bytes(Encoding.DER))


def _approval(validator: Validator, ends: Sequence[datetime | None], encoded: Callable[[int], bytes]) -> Answer:
    """Make the answer of who found a path, leaf first, by when its certificates end and what they are in DER."""
    opinion = Opinion(validator=validator, accepts=True, error=None)
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return Answer(opinion=opinion, path_not_after=None)
    end = min(known)
    place = known.index(end)
    cause = Cause.LEAF if place == 0 else Cause.ROOT if place == len(ends) - 1 else Cause.INTERMEDIATE
    fingerprint = hashlib.sha256(encoded(place)).hexdigest()
    return Answer(opinion=opinion, path_not_after=end, path_end=PathEnd(cause=cause, fingerprint_sha256=fingerprint))


def _refusal(validator: Validator, words: str, *, code: int | None = None, depth: int | None = None) -> Answer:
    return Answer(
        opinion=Opinion(validator=validator, accepts=False, error=words, code=code, depth=depth),
        path_not_after=None,
    )


def _one_line(error: Exception) -> str:
    # cryptography puts the certificate's subject behind its reason; it may hold anything.
    words = " ".join(str(error).partition(" (encountered processing")[0].split())
    return words.removeprefix("validation failed: ")[:300] or type(error).__name__
