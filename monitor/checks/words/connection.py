"""The words for failures on the way to MQTT: name, TCP, TLS; and for the monitor's own."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.certificates import CLIENT_CERTIFICATE_REJECTED, CLIENT_CERTIFICATE_REQUIRED
from monitor.checks.words.entry import critical, do
from monitor.checks.words.hints import BROKER_LOGS, LISTENERS, SERVER_FILES, TLS_SWITCH, TLS_VERSIONS
from monitor.model.reasons import INTERNAL

_ASK_DNS: Final = "`getent ahosts NAME` on this machine asks exactly as the monitor does."
_IS_IT_TLS: Final = (
    "Is this a TLS port at all (TLS is mostly on 8883, plain MQTT on 1883)? Has the load balancer in front of it a "
    "live member?"
)

CONNECTION: Final = (
    critical(
        "resolve_nxdomain",
        "The broker's name does not exist",
        "The resolver (DNS) knows no such name. Clients that ask the same resolver fail before they send a packet.",
        do(
            f"Check the spelling of `host`, and whether the DNS record is still there. {_ASK_DNS} A name that only an "
            "inner network knows needs that network's resolver."
        ),
        "RFC 1035 4.1.1",
        title_says_all=True,
    ),
    critical(
        "resolve_no_address",
        "The broker's name has no address",
        "The name exists in DNS, but no address (A or AAAA record) belongs to it. Clients that use the name fail.",
        do(f"Add the address record, or set `host` to a name that has one. {_ASK_DNS}"),
        "RFC 1035 3.4.1",
        title_says_all=True,
    ),
    critical(
        "resolve_temporary_failure",
        "The resolver could not say whether the broker's name exists",
        "No name server gave an answer. The broker itself may be all right: connections that are open stay, while "
        "clients that use the same resolver cannot make new ones.",
        do(
            f"Does another name work? {_ASK_DNS} If none does, it is this machine's resolver: /etc/resolv.conf, "
            "`resolvectl status`, its way to the name servers. If only this one fails, it is the name servers of its "
            "domain."
        ),
        title_says_all=True,
    ),
    critical(
        "resolve_failed",
        "The broker's name could not be resolved",
        "The system's resolver gave an unusual error; the detail names it. The broker itself may be all right.",
        do(f"Check the spelling of `host`, then the resolver's configuration (/etc/nsswitch.conf). {_ASK_DNS}"),
    ),
    critical(
        "resolve_timeout",
        "The resolver did not answer in time",
        "The probe's time was over before a name server had answered. The broker itself may be all right.",
        do(
            f"Does another name work? {_ASK_DNS} Check this machine's way to its name servers (`resolvectl status`, "
            "/etc/resolv.conf)."
        ),
    ),
    critical(
        "connect_refused",
        "The connection was refused",
        "The machine is there, but nothing accepts connections on that port: the broker is down, still starting, or "
        "listens elsewhere. A firewall that rejects looks the same. Clients that take the same way are refused too.",
        do(
            "Is the broker running, and does it listen on that port? `ss -ltn` on its machine shows it; a listener on "
            "127.0.0.1 is for that machine alone. If it does not start, its log says why.",
            LISTENERS,
            BROKER_LOGS,
        ),
        "RFC 9293 3.10.7.1",
        title_says_all=True,
    ),
    critical(
        "connect_timeout",
        "The connection was not answered",
        "Packets to the broker's port vanish: the machine is off, the address is wrong, or a firewall drops them. "
        "Whether clients elsewhere reach the broker cannot be told from here.",
        do(
            "Does this machine reach the broker's at all (`ping`, `traceroute`)? Then look at firewalls and security "
            "groups for the port, and at whether the address of the name is still the right one."
        ),
    ),
    critical(
        "connect_host_unreachable",
        "The broker's machine cannot be reached",
        "A router, a firewall or this machine's own network says that the address cannot be reached.",
        do(
            "Is the machine on, and the address right? If `ping` works, it is a firewall that rejects the port with "
            "this answer (firewalld does). If not, look at the route (`ip route get ADDRESS`) and at the switch or "
            "virtual network between."
        ),
        title_says_all=True,
    ),
    critical(
        "connect_network_unreachable",
        "The broker's network cannot be reached",
        "This machine, or a router on the way, has no route to that address. With an IPv6 address it mostly means "
        "that this machine has no IPv6.",
        do(
            "Look at `ip route get ADDRESS`. If the name has an IPv6 address that is of no use here, set `host` to the "
            "IPv4 address, and `server_name` under `tls` to the name."
        ),
        title_says_all=True,
    ),
    critical(
        "connect_reset",
        "The connection was reset while it was being made",
        "Something took the connection and threw it away at once: an overloaded broker, a load balancer without a "
        "live member, or a firewall.",
        do("Look at the load balancer's view of its members, then at the broker's load and log.", BROKER_LOGS),
        "RFC 9293 3.5.2",
        title_says_all=True,
    ),
    critical(
        "connect_failed",
        "The connection could not be made",
        "The system gave an unusual error; the detail names it. It may be this machine's fault and not the broker's.",
        do("Read the detail. An error about an address points to `host`, one about files or buffers to this machine."),
    ),
    critical(
        "verify_timeout",
        "The broker's certificates could not be judged in time",
        "The monitor did not come to an end with the certificates before the probe's time was over, so it trusted "
        "the broker with nothing. Either the broker serves a pile of certificates that is made to keep clients busy, "
        "or this machine is overloaded.",
        do(
            "Look at the load of the monitor's machine first. If it is idle, look at what the broker serves: `openssl "
            "s_client -connect HOST:PORT -showcerts`. It should be its own certificate and one or two of CAs, not a "
            "dozen. If the handshake itself takes most of the time, raise `timeout`.",
            SERVER_FILES,
        ),
    ),
    critical(
        "handshake_timeout",
        "The TLS handshake was not finished in time",
        "The connection was accepted, but the broker did not answer the monitor's greeting, or stopped halfway. It is "
        "overloaded or stuck, or the port is not one for TLS and waits for something else. Clients hang likewise.",
        do(
            f"{_IS_IT_TLS} Then look at the broker's load and log. A network path that loses large packets (MTU) also "
            "stops here: the certificates are the first large ones.",
            BROKER_LOGS,
        ),
    ),
    critical(
        "handshake_closed",
        "The connection ended during the TLS handshake",
        "The broker hung up without saying why. That is what ports without TLS do, load balancers without a live "
        "member, brokers without a usable certificate or key, and some where a client certificate is demanded.",
        do(
            f"{_IS_IT_TLS} If both are right, look at the broker's log, and check that its certificate and key files "
            "exist and that it may read them.",
            BROKER_LOGS,
            SERVER_FILES,
        ),
    ),
    critical(
        "handshake_reset",
        "The connection was reset during the TLS handshake",
        "It was torn down without a word: by a plain MQTT port that takes TLS for a broken packet, by a broker that "
        "lost its certificate file, or by something in between.",
        do(
            f"{_IS_IT_TLS} If both are right, look at the broker's log, and check that its certificate and key files "
            "exist and that it may read them.",
            BROKER_LOGS,
            SERVER_FILES,
        ),
        "RFC 9293 3.5.2",
        title_says_all=True,
    ),
    critical(
        "handshake_not_tls",
        "The port does not speak TLS",
        "The first bytes that came are not TLS. It is most likely the plain MQTT port, or another service. Clients "
        "that expect TLS there fail.",
        do(
            "Is it the right port (TLS is mostly on 8883, plain MQTT on 1883)? If it is, switch TLS on for it. Behind "
            "a load balancer, see whether that was meant to do the TLS.",
            TLS_SWITCH,
        ),
        "RFC 8446 5.1",
    ),
    critical(
        "handshake_protocol_version_unsupported",
        "The broker chose a TLS version that is not allowed here",
        "It speaks only versions older than the monitor's `minimum_version`. TLS 1.0 and 1.1 are deprecated, and most "
        "clients refuse them.",
        do(
            "Allow TLS 1.2 or 1.3 on the broker. If it cannot, and you accept that, lower `minimum_version` under "
            "`tls` in the monitor's configuration.",
            TLS_VERSIONS,
        ),
        "RFC 8996; RFC 8446 4.1.3",
    ),
    critical(
        "handshake_bad_signature",
        "The broker's private key does not belong to its certificate",
        "The broker could not prove that the certificate is its own, so no client can connect. Most likely the "
        "certificate was renewed and the key was not, or the other way round. EMQX begins to serve such a pair about "
        "90 seconds after a file was replaced.",
        do(
            "Install a certificate and a key that belong together: `openssl x509 -in server.pem -noout -pubkey` and "
            "`openssl pkey -in server.key -pubout` must print the same.",
            SERVER_FILES,
        ),
        "RFC 8446 4.4.3; RFC 5246 7.4.3",
    ),
    critical(
        "handshake_renegotiation_insecure",
        "The broker's TLS is older than a repair of 2010",
        "It does not know secure renegotiation, without which an attacker can put his own words in front of a "
        "client's. OpenSSL from release 3 on refuses to speak with such a server, and so do most programs built on it; "
        "older clients may still get through.",
        do(
            "Update the broker, or the TLS library under it: every one since 2010 has the repair, and it needs no "
            "setting. A device in between that ends TLS (a load balancer, a firewall) may be what is old."
        ),
        "RFC 5746",
        title_says_all=True,
    ),
    critical(
        "handshake_certificate_unreadable",
        "The broker's certificate cannot be decoded",
        "What was sent in place of a certificate is none, or a damaged one. Every client fails here.",
        do(
            "Look at the file: `openssl x509 -in server.pem -noout -text`. If that fails too, install the certificate "
            "again from where it came.",
            SERVER_FILES,
        ),
        "RFC 5280 4.1",
    ),
    critical(
        "handshake_client_certificate_required",
        "The broker demands a client certificate",
        "It lets nobody in who does not show a certificate, and the monitor has none for it. Clients with a "
        "certificate are not concerned.",
        CLIENT_CERTIFICATE_REQUIRED,
        "RFC 5246 7.4.6; RFC 8446 4.4.2.4",
    ),
    critical(
        "handshake_client_certificate_rejected",
        "The broker refused the monitor's client certificate",
        "The monitor showed its certificate, and the broker did not accept it: its CA is unknown there, or it is "
        "expired, revoked, or not for clients. Clients with certificates of their own may be all right.",
        CLIENT_CERTIFICATE_REJECTED,
        "RFC 5246 7.4.6; RFC 8446 4.4.2.4",
    ),
    critical(
        "handshake_too_much_data",
        "The broker sent more than a handshake can need",
        "The limit on the bytes of a handshake was reached. No sound server sends that much.",
        do(
            "Find out what listens there. If it is a broker, its certificate file is probably a whole bundle of CAs: "
            "leave only the broker's certificate and the intermediates in it.",
            SERVER_FILES,
        ),
        title_says_all=True,
    ),
    critical(
        "handshake_protocol_error",
        "The broker broke the rules of TLS",
        "What it sent is TLS, but not as the standard wants it, or nothing that this side can agree to; the detail "
        "says what. A device on the way that rewrites TLS is another cause.",
        do(
            "Compare with `openssl s_client -connect HOST:PORT -showcerts`, from here and from the broker's own "
            "machine. If only the one from here fails, something on the way interferes. Else look at the broker's log "
            "and update its TLS library.",
            BROKER_LOGS,
        ),
        "RFC 8446 6.2",
    ),
    critical(
        INTERNAL,
        "The monitor itself failed",
        "A defect of the monitor's own stopped the probe. It says nothing of the broker.",
        do(
            "Find the traceback in the monitor's log (`journalctl -u mqtt-tls-monitor`), and report it with the "
            "version (`mqtt-tls-monitor --version`)."
        ),
        title_says_all=True,
    ),
)
