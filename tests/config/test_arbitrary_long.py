"""Whatever stands in the file, loading it ends in a configuration or in `ConfigError`."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.config.load import load
from monitor.config.schema import BrokerOptions, FileOptions, MqttOptions, TlsOptions
from monitor.model.config import ConfigError

KEYS = sorted(
    {key for section in (FileOptions, BrokerOptions, TlsOptions, MqttOptions) for key in section.model_fields}
)
VALUES = [
    "",
    "a",
    "8883",
    "30s",
    "::1",
    "*a",
    "&a",
    "!x",
    "'",
    "{",
    "}",
    "[",
    "]",
    "~",
    "{nonce}",
    "\x00",
    "\ufeff",
    "é.",
]
PIECES = st.one_of(st.sampled_from([f"{key}: " for key in KEYS]), st.sampled_from(VALUES), st.text(max_size=5))
LINES = st.lists(
    st.tuples(st.sampled_from(["", "  ", "    ", "  - ", "- ", "? "]), PIECES, PIECES).map("".join), max_size=15
)
SCALARS = st.one_of(st.none(), st.sampled_from(VALUES), st.text(max_size=8), st.integers(), st.booleans())
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text()), inner, max_size=6)
    ),
    max_leaves=30,
)
ENVIRON = {"SSL_CERT_FILE": str(Path("/work/main/tests/config/bad") / "files" / "ca.pem"), "SSL_CERT_DIR": "nowhere"}


def load_bytes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "monitor.yml"
        path.write_bytes(data)
        with contextlib.suppress(ConfigError):
            load(path, ENVIRON)


@settings(deadline=None, max_examples=5000)
@given(LINES.map("\n".join))
@example("brokers:\n  - name: a\n    host: a\n    labels: {? [x] : y}")
@example("a: &a\n  b: *a")
@example("%YAML 3.0\n---\n")
@example("{name: \ud800}")
def test_lines_of_known_words(text: str) -> None:
    load_bytes(text.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=5000)
@given(TREES, TREES)
def test_known_keys_with_any_value(broker: object, defaults: object) -> None:
    # JSON is YAML; repr of Python's values is close enough to it, and wrong in interesting ways.
    load_bytes(
        f"brokers: [{broker!r}, {{name: a, host: a}}]\ndefaults: {defaults!r}\n".encode("utf-8", "surrogatepass")
    )


@settings(deadline=None, max_examples=5000)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    load_bytes(data)
