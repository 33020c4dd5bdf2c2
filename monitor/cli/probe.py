"""`probe`: from targets to brokers, all probed at once, told in the order in which they were named."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from monitor.cli.exit_status import Complaint, Status, of_verdict, worst
from monitor.config.crls import CrlFiles
from monitor.config.hosts import split_target
from monitor.config.load import broker_from_options, load
from monitor.config.text import quoted, without_user
from monitor.following import Following
from monitor.judging import Judging
from monitor.model.broker import Addresses, Broker, Fetch
from monitor.model.config import ConfigError, Problem
from monitor.model.fetched import Fetched
from monitor.model.judgement import Assessment
from monitor.model.known import Known
from monitor.model.reasons import INTERNAL
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport
from monitor.probe.pipeline import probe_addresses
from monitor.probe.refusals import refusal_round
from monitor.probe.resolve import Resolver
from monitor.probe.scan import scan

MAX_IN_FLIGHT = 64
"""Probes under way at once, as in the daemon."""

# What the schema calls an option's key, and what the user typed.
_OPTIONS = {
    "timeout": "--timeout",
    "addresses": "--addresses",
    "tls.ca_file": "--ca-file",
    "tls.server_name": "--server-name",
    "tls.client_certificate": "--client-cert",
    "tls.client_key": "--client-key",
    "mqtt.username": "--username",
    "mqtt.password_file": "--password-file",
    "mqtt.version": "--mqtt-version",
    "mqtt.qos": "--qos",
    "mqtt.topic": "--topic",
}

Options = Mapping[str, object]
Result = tuple[ProbeReport, Assessment]
Show = Callable[[ProbeReport, Assessment], None]


def probe_targets(
    targets: Sequence[str],
    config: Path | None,
    options: Options,
    *,
    with_refusals: bool,
    with_scan: bool,
    as_json: bool,
    is_debugging: bool,
) -> Status:
    """Probe, print each result, and return the exit status.

    Args:
        targets: brokers' names if there is a configuration, else `host[:port]` or `mqtts://host[:port]`.
        config: the configuration that the names are from.
        options: nested as an item of `brokers` in a configuration; None for what was not given.
        with_refusals: try as well what the brokers must refuse, by their configuration.
        with_scan: ask as well what the brokers' TLS accepts beside the best.
        as_json: one document per line instead of the picture.
        is_debugging: log everything to standard error.

    Raises:
        Complaint: before anything was probed.
    """
    given = _given(options)
    brokers = _from_targets(targets, given) if config is None else _from_file(targets, config, given)
    if with_refusals and not any(broker.refusals.checks for broker in brokers):
        raise Complaint("nothing to try: name checks under 'refusals' in a configuration, and it with --config FILE")
    if is_debugging:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    else:
        # A fault of ours is told in one line, as the result's reason.
        logging.disable()
    show = _json_printer() if as_json else _picture_printer()
    return asyncio.run(_probe_all(brokers, show, with_refusals=with_refusals, with_scan=with_scan))


def _given(options: Options) -> dict[str, object]:
    """Return the options without those that were not given."""
    nested = {key: _given(value) if isinstance(value, Mapping) else value for key, value in options.items()}
    return {key: value for key, value in nested.items() if value not in (None, {})}


def _from_targets(targets: Sequence[str], given: Options) -> list[Broker]:
    if not targets:
        raise Complaint("nothing to probe: name a host, or a configuration with --config FILE")
    brokers = []
    complaints: dict[str, None] = {}
    for target in targets:
        try:
            # The interval is no matter here, but a timeout may not be longer.
            options = {**given, **split_target(target), "interval": "7d"}
            brokers.append(broker_from_options(options, os.environ, source=target))
        except ValueError as error:
            complaints[f"{without_user(target)}: {error}"] = None
        except ConfigError as error:
            complaints |= dict.fromkeys(_complaint(problem) for problem in error.problems)
    if complaints:
        raise Complaint("\n".join(complaints))
    return brokers


def _complaint(problem: Problem) -> str:
    """Word a problem by what the user typed: the option, or the target."""
    return f"{_OPTIONS.get(problem.key or '', problem.file)}: {problem.message}"


def _from_file(names: Sequence[str], config: Path, given: Options) -> Sequence[Broker]:
    if given:
        raise Complaint("with --config, how to connect is said in the file: leave the other options out")
    try:
        brokers = {broker.name: broker for broker in load(config, os.environ).brokers}
    except ConfigError as error:
        raise Complaint("\n".join(str(problem) for problem in error.problems)) from None
    unknown = [name for name in names if name not in brokers]
    if unknown:
        raise Complaint("\n".join(_unknown(name, config, list(brokers)) for name in unknown))
    return [brokers[name] for name in names or brokers]


def _unknown(name: str, config: Path, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known)}"
    return f"no broker named {quoted(name)} in {config}{hint}"


async def _probe_all(brokers: Sequence[Broker], show: Show, *, with_refusals: bool, with_scan: bool) -> Status:
    bound = asyncio.Semaphore(MAX_IN_FLIGHT)
    resolver = Resolver()
    judging = Judging()
    files = Following()

    async def probe_one(broker: Broker) -> list[Result]:
        async with bound:
            known = Known(crl_files=CrlFiles().look(broker.tls.crl_files))
            verify = partial(judging.verify, known=known)
            reports = await probe_addresses(broker, verify=verify, now=_utc_now, resolver=resolver)
            refusals: tuple[Refusal, ...] = ()
            if with_refusals:
                refusals = await refusal_round(broker, verify=verify, now=_utc_now, resolver=resolver)
            scanned = await scan(broker, now=_utc_now, resolver=resolver) if with_scan else None
        known = replace(known, files=await files.look(broker, _utc_now()), refusals=refusals, scan=scanned)
        results = await judging.assess_turn(reports, broker, _utc_now(), partial(_of_address, known, broker))
        fetched = await _fetched(broker, results, judging)
        if fetched:
            known = replace(known, fetched=fetched)
            results = await judging.assess_turn(reports, broker, _utc_now(), partial(_of_address, known, broker))
        return results

    statuses = []
    # No group: what `show` raises, a closed pipe above all, must come out as it is. The end of the loop ends the rest.
    for task in [asyncio.create_task(probe_one(broker)) for broker in brokers]:
        for report, assessment in await task:
            show(report, assessment)
            statuses.append(Status.UNKNOWN if report.reason == INTERNAL else of_verdict(assessment.verdict))
    resolver.close()
    judging.close()
    return worst(statuses)


def _of_address(known: Known, broker: Broker, report: ProbeReport) -> Known:
    """Return what of it concerns this report: a round and a scan go to one address, and say nothing of the others."""
    if broker.addresses is Addresses.FIRST:
        return known
    return replace(
        known,
        refusals=tuple(each for each in known.refusals if each.address in {None, report.address}),
        scan=known.scan if known.scan is not None and known.scan.address in {None, report.address} else None,
    )


async def _fetched(broker: Broker, results: Sequence[Result], judging: Judging) -> tuple[Fetched, ...]:
    """Ask what the broker's configuration wants asked about accepted chains, in the time that the probe has left."""
    accepted = [
        report.tls
        for report, assessment in results
        if report.tls is not None and assessment.judgement is not None and assessment.judgement.accepted
    ]
    if broker.fetch.what is Fetch.NONE or not accepted:
        return ()
    from monitor.fetch.ask import ask_once  # noqa: PLC0415  # few configurations want it
    from monitor.fetch.wanted import wanted  # noqa: PLC0415

    ways = [await judging.way(tls, broker) for tls in accepted]
    asked = tuple(dict.fromkeys(each for way in ways for each in wanted(way, broker.fetch)))
    left_s = broker.timeout_s - max(report.duration_s for report, _ in results)
    return await ask_once(asked, most_s=max(0.0, left_s), now=_utc_now)


def _json_printer() -> Show:
    from monitor.export.document import document  # noqa: PLC0415  # one of the two is enough

    def show(report: ProbeReport, assessment: Assessment) -> None:
        sys.stdout.write(json.dumps(document(report, assessment)) + "\n")
        sys.stdout.flush()

    return show


def _picture_printer() -> Show:
    from rich.console import Console  # noqa: PLC0415  # JSON needs none of it

    from monitor.export.terminal import render  # noqa: PLC0415

    console = Console(highlight=False)
    is_first = True

    def show(report: ProbeReport, assessment: Assessment) -> None:
        nonlocal is_first
        if not is_first:
            console.print()
        is_first = False
        render(report, assessment, console)

    return show


def _utc_now() -> datetime:
    return datetime.now(UTC)
