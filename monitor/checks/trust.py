"""Why no path to the trust exists: self-signed, incomplete, untrusted, or invalid."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.limits import left_out, limits
from monitor.checks.path import End, Path, follow
from monitor.checks.phrases import capitalised, described, name
from monitor.checks.validators import refusal
from monitor.checks.words.entry import do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.facts import CertificateFacts, Role
from monitor.model.judgement import Finding
from monitor.x509.opinions import signed_by


def trust(case: Case) -> Iterator[Finding]:
    """Yield the one finding that says where the way to the trust breaks.

    None if only dates stand in the way, or a limit that is named on its own.
    """
    if case.judgement.is_trusted_ignoring_time:
        return
    path = follow(case.chain, case.anchors)
    broken = next(
        (pair for pair in zip(path.certificates, path.certificates[1:], strict=False) if signed_by(*pair) is False),
        None,
    )
    if broken is not None:
        below, above = broken
        yield invalid(
            case,
            f"{capitalised(described(below))} names {described(above)} as its issuer, "
            "but was not signed by that certificate's key.",
        )
        return
    match path.end:
        case End.SELF_SIGNED if len(path.certificates) == 1:
            yield _self_signed(case)
        case End.SELF_SIGNED:
            yield _untrusted_root(case, path)
        case End.MISSING:
            yield _missing(case, path)
        case End.ANCHOR_BY_NAME if all(signed_by(path.last, anchor) is False for anchor in path.anchors):
            yield _anchor_of_another_key(case, path)
        case _:
            if not any((*limits(case), *left_out(case))):
                yield invalid(case)


def invalid(case: Case, sentence: str = "") -> Finding:
    """Make the finding that leaves the word to the validators."""
    opinions = refusal(case.judgement)
    return finding(
        "chain_invalid",
        (sentence or f"No valid path from the broker's certificate to a CA in {_source(case)} was found.")
        + (f" {opinions}." if opinions else ""),
        certificate=case.leaf.position,
    )


def _self_signed(case: Case) -> Finding:
    return finding(
        "leaf_self_signed",
        f"{capitalised(described(case.leaf))} is self-signed, and {_source(case)} does not hold it.",
        certificate=case.leaf.position,
    )


def _untrusted_root(case: Case, path: Path) -> Finding:
    root = path.last
    message = f"The chain ends in {described(root)}, which {_source(case)} does not hold"
    return finding("chain_untrusted", message + _namesakes(case, root), certificate=root.position)


def _namesakes(case: Case, root: CertificateFacts) -> str:
    if not case.anchors.named(root.subject_der):
        return "."
    return "; it holds one of the same name with another key, as after a CA was made anew."


def _anchor_of_another_key(case: Case, path: Path) -> Finding:
    return finding(
        "chain_untrusted",
        f"{capitalised(described(path.last))} was issued by {name(path.last.issuer)}; {_source(case)} holds a CA of "
        "that name, but its key did not sign this certificate, as after a CA was made anew.",
        certificate=path.last.position,
    )


def _missing(case: Case, path: Path) -> Finding:
    last = path.last
    issuer = name(last.issuer)
    if last.is_self_issued:
        setting = "`--ca-file`" if case.is_file else "`ca_file` under `tls` in the monitor's configuration"
        return finding(
            "chain_untrusted",
            f"{capitalised(described(last))} bears the same name as the CA that signed it, and {_source(case)} does "
            "not hold that CA.",
            advice=do(
                "Issue the broker's certificate anew under another subject than the CA's: many clients take a "
                "certificate whose subject and issuer are the same for self-signed. Name the CA's certificate as "
                f"{setting}.",
                SERVER_FILES,
            ),
            certificate=last.position,
        )
    if last.role is not Role.LEAF:
        return finding(
            "chain_untrusted",
            f"The chain ends in {described(last)}, issued by {issuer}, which {_source(case)} does not hold; servers "
            f"rightly leave the root out, so {issuer} is most likely a root that is not trusted here, or else a "
            f"further intermediate that {case.lacking}{_published(last)}.",
            certificate=last.position,
        )
    likelihood = (
        f"{case.sender} leaves out the intermediate certificate"
        if last.ca_issuers
        else f"either it is an intermediate certificate that {case.sender} leaves out, or it is a private CA that is "
        "not trusted here"
    )
    return finding(
        "chain_incomplete",
        f"{capitalised(described(last))} was issued by {issuer}, which {case.lacking} and {_source(case)} "
        f"does not hold: {likelihood}{_published(last)}.",
        certificate=last.position,
    )


def _published(facts: CertificateFacts) -> str:
    if not facts.ca_issuers:
        return ""
    return f" (the certificate says that its issuer's can be had from {facts.ca_issuers[0]})"


def _source(case: Case) -> str:
    source = case.broker.tls.trust.source
    words = "the system's trust store" if source == "system" else source
    return words if case.anchors.facts else f"{words} (which holds no usable certificate)"
