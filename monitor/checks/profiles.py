"""Opinions by name: what the clients of each trust profile think of the chain that was served."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.validators import refusal
from monitor.model.broker import TrustProfile
from monitor.model.judgement import Finding, Judgement, ProfileOpinion


def profile_opinion(profile: TrustProfile, judgement: Judgement) -> ProfileOpinion:
    """Return what a judgement by a profile's trust comes to."""
    return ProfileOpinion(
        name=profile.name,
        is_trusted=judgement.is_trusted,
        path_not_after=judgement.path_not_after,
        error=None if judgement.is_trusted else refusal(judgement),
    )


def profiles(case: Case, opinions: tuple[ProfileOpinion, ...]) -> Iterator[Finding]:
    """Yield `profile_untrusted` for each profile that refuses the chain while the configured trust accepts it."""
    if not case.accepted:
        return
    sources = {profile.name: profile.trust.source for profile in case.broker.tls.trust_profiles}
    for opinion in opinions:
        if not opinion.is_trusted:
            source = sources[opinion.name]
            trusted = "what the system trusts" if source == "system" else source
            yield finding(
                "profile_untrusted",
                f"Clients of the trust profile {opinion.name} (they trust {trusted}) refuse this chain, while the "
                f"configured trust accepts it. {opinion.error}.",
                certificate=case.leaf.position,
            )
