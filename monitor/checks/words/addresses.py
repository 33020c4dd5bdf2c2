"""The words for findings about the addresses of one name."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.judgement import Severity

ADDRESSES_DIFFER: Final = Entry(
    code="addresses_differ",
    severity=Severity.WARNING,
    title="A node behind the name still serves an older certificate than another",
    meaning="Several addresses stand behind the broker's name, and a renewed certificate is not served at all of them: "
    "it was not installed on this node, or the node did not take it up. Nobody notices until the older one expires; "
    "from then on clients fail now and then, whenever they happen to reach this node. It is told of certificates for "
    "the same names, where `addresses` is `all`.",
    advice=do(
        "Compare the file on this node with that of a node that serves the newer certificate. If it is the same, let "
        "the broker on this node take it up. If not, install it there too, and find out why the renewal left the node "
        "out. If each node is meant to have a certificate of its own, put the node's own name into it as well.",
        SERVER_FILES,
    ),
    reference="",
)
ADDRESSES_LEFT_OUT: Final = Entry(
    code="addresses_left_out",
    severity=Severity.INFO,
    title="The name has more addresses than are probed",
    meaning="Each address of the name is to be probed, and there are more than can be: the first 16 by number are, "
    "IPv4 before IPv6. Nothing is known of the others.",
    advice=do(
        "To have all of them watched, name them one by one in the monitor's configuration: a broker for each, its "
        "`host` the address, and `server_name` under `tls` the name."
    ),
    reference="",
)
