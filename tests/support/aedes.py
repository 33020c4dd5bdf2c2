"""aedes from npm: MQTT 3.1 and 3.1.1, Node's TLS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.brokers import TlsServerProcess
from tests.support.pki import CertificateFiles
from tests.support.processes import tool

_SCRIPT = Path(__file__).with_name("aedes_broker.mjs")


class Aedes(TlsServerProcess):
    """One broker process. Node finds aedes in the node_modules beside the project's files."""

    def __init__(
        self,
        directory: Path,
        *,
        certificate: CertificateFiles,
        client_ca: Path | None = None,
        tls_version: str = "1.3",
        users: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the listener: `tls_version` is the only one it speaks; the rest is as for `Mosquitto`."""
        super().__init__(directory, certificate=certificate)
        self._client_ca = client_ca
        self.tls_version = tls_version
        self._users = users

    def command(self) -> Sequence[str]:
        """Write what the script reads."""
        settings: dict[str, object] = {
            "host": self.host,
            "port": self.port,
            "certfile": str(self.certfile),
            "keyfile": str(self.keyfile),
            "tlsVersion": f"TLSv{self.tls_version}",
        }
        if self._client_ca is not None:
            settings["clientCaFile"] = str(self._client_ca)
        if self._users is not None:
            settings["users"] = dict(self._users)
        path = self.directory / "aedes.json"
        path.write_text(json.dumps(settings))
        return (tool("node"), str(_SCRIPT), str(path))

    def welcomes(self, after: int = 0) -> int:
        """Return how many MQTT clients it accepted, by its log behind the first `after` characters."""
        return len(re.findall("(?m)^connected ", self.log[after:]))

    def goodbyes(self, after: int = 0) -> int:
        """Return how many of them are gone."""
        return len(re.findall("(?m)^gone ", self.log[after:]))

    def complaints(self, after: int = 0) -> list[str]:
        """Return the errors in its log."""
        return re.findall("(?m)^error: .*", self.log[after:])
