"""What a fix comes to in each kind of broker: the blocks of lines that the explanations share."""

from __future__ import annotations

from typing import Final

from monitor.model.judgement import Hints

SERVER_FILES: Final = Hints(
    caption="The broker's certificate and key, and how it takes up new ones",
    by_broker=(
        (
            "EMQX",
            (
                "`listeners.ssl.default.ssl_options.certfile` and `.keyfile` in emqx.conf; takes up replaced files by "
                "itself within two minutes."
            ),
        ),
        ("Mosquitto", "`certfile` and `keyfile` in mosquitto.conf; then `systemctl reload mosquitto` (SIGHUP)."),
        (
            "RabbitMQ",
            (
                "`ssl_options.certfile` and `ssl_options.keyfile` in rabbitmq.conf; takes up replaced files by itself "
                "within two minutes."
            ),
        ),
        (
            "NanoMQ",
            (
                "`listeners.ssl.certfile` and `.keyfile` in nanomq.conf; then restart it: its reload keeps the old "
                "certificate."
            ),
        ),
        ("NATS", "`cert_file` and `key_file` in `mqtt { tls { ... } }`; then `nats-server --signal reload`."),
    ),
)
CLIENT_CA_FILES: Final = Hints(
    caption="The CAs that the broker trusts for client certificates",
    by_broker=(
        ("EMQX", "`listeners.ssl.default.ssl_options.cacertfile` in emqx.conf."),
        ("Mosquitto", "`cafile` in mosquitto.conf."),
        ("RabbitMQ", "`ssl_options.cacertfile` in rabbitmq.conf."),
        ("NanoMQ", "`listeners.ssl.cacertfile` in nanomq.conf."),
        ("NATS", "`ca_file` in `mqtt { tls { ... } }`."),
    ),
)
CLIENT_CERTIFICATE_OPTIONAL: Final = Hints(
    caption="If clients without a certificate are to be let in",
    by_broker=(
        ("EMQX", "`listeners.ssl.default.ssl_options.fail_if_no_peer_cert = false`."),
        ("Mosquitto", "`require_certificate false`."),
        ("RabbitMQ", "`ssl_options.fail_if_no_peer_cert = false`."),
        ("NanoMQ", "`listeners.ssl.fail_if_no_peer_cert = false`."),
        ("NATS", "`verify: false` in `mqtt { tls { ... } }`."),
    ),
)
STAPLING: Final = Hints(
    caption="Where the broker is told to staple",
    by_broker=(
        (
            "EMQX",
            (
                "`listeners.ssl.default.ssl_options.ocsp` in emqx.conf: `enable_ocsp_stapling = true`, `issuer_pem`, "
                "`responder_url`, `refresh_interval`."
            ),
        ),
        ("Mosquitto", "cannot staple; a TLS proxy in front of it can."),
        (
            "NATS",
            (
                "staples by itself for a certificate with must-staple, unless `ocsp: false` is set; `ocsp { mode: "
                "always }` in nats-server.conf for every other, then `nats-server --signal reload`."
            ),
        ),
    ),
)
REVOCATION_LISTS: Final = Hints(
    caption="Lists by which the broker checks its clients",
    by_broker=(
        (
            "EMQX",
            (
                "fetches them where the clients' certificates say, if "
                "`listeners.ssl.default.ssl_options.enable_crl_check` is true; `crl_cache.refresh_interval` says how "
                "often."
            ),
        ),
        ("Mosquitto", "`crlfile` in mosquitto.conf."),
    ),
)
BROKER_LOGS: Final = Hints(
    caption="The broker's log",
    by_broker=(
        ("EMQX", "/var/log/emqx/, in a container `docker logs`."),
        ("Mosquitto", "/var/log/mosquitto/mosquitto.log, or `journalctl -u mosquitto`."),
        ("RabbitMQ", "/var/log/rabbitmq/."),
        ("NanoMQ", "the directory that `log.dir` in nanomq.conf names."),
        ("NATS", "the file that `log_file` names, or `journalctl -u nats-server`."),
    ),
)
LISTENERS: Final = Hints(
    caption="Where the broker listens",
    by_broker=(
        ("EMQX", "`listeners.ssl.default.bind` in emqx.conf; `emqx ctl listeners`."),
        ("Mosquitto", "`listener 8883` in mosquitto.conf; `systemctl status mosquitto`."),
        (
            "RabbitMQ",
            (
                "the plugin rabbitmq_mqtt, and `mqtt.listeners.ssl.default = 8883` in rabbitmq.conf; "
                "`rabbitmq-diagnostics listeners`."
            ),
        ),
        ("NanoMQ", "`listeners.ssl.bind` in nanomq.conf."),
        ("NATS", "`mqtt { port: 8883 }`."),
    ),
)
TLS_SWITCH: Final = Hints(
    caption="Switching TLS on",
    by_broker=(
        ("EMQX", "a `listeners.ssl.default` in emqx.conf, not `listeners.tcp`."),
        ("Mosquitto", "`certfile` and `keyfile` below that `listener` in mosquitto.conf."),
        ("RabbitMQ", "`mqtt.listeners.ssl.default` in rabbitmq.conf, not `mqtt.listeners.tcp`."),
        ("NanoMQ", "`listeners.ssl` in nanomq.conf, not `listeners.tcp`."),
        ("NATS", "`mqtt { tls { ... } }`."),
    ),
)
TLS_VERSIONS: Final = Hints(
    caption="The broker's TLS versions",
    by_broker=(
        ("EMQX", "`listeners.ssl.default.ssl_options.versions` in emqx.conf."),
        ("Mosquitto", "`tls_version` in mosquitto.conf."),
        ("RabbitMQ", "`ssl_options.versions` in rabbitmq.conf."),
        ("NanoMQ", "speaks TLS 1.2 only."),
        ("NATS", "speaks TLS 1.2 and 1.3."),
    ),
)
CIPHER_SUITES: Final = Hints(
    caption="The broker's cipher suites",
    by_broker=(
        ("EMQX", "`listeners.ssl.default.ssl_options.ciphers` in emqx.conf."),
        ("Mosquitto", "`ciphers` and `ciphers_tls1.3` in mosquitto.conf."),
        ("RabbitMQ", "`ssl_options.ciphers` in rabbitmq.conf."),
        ("NATS", "`cipher_suites` and `curve_preferences` in `mqtt { tls { ... } }`."),
    ),
)
RENEGOTIATION: Final = Hints(
    caption="Renegotiation under TLS 1.2",
    by_broker=(
        (
            "EMQX",
            (
                "`listeners.ssl.default.ssl_options.client_renegotiation = false` and `.secure_renegotiate = true` in "
                "emqx.conf."
            ),
        ),
        ("Mosquitto", "never lets clients renegotiate."),
        (
            "RabbitMQ",
            "`ssl_options.client_renegotiation = false` and `ssl_options.secure_renegotiate = true` in rabbitmq.conf.",
        ),
        ("NATS", "never lets clients renegotiate."),
    ),
)
ACL: Final = Hints(
    caption="The broker's access rules (ACL)",
    by_broker=(
        ("EMQX", "Access Control > Authorization in its dashboard, or acl.conf."),
        ("Mosquitto", "the file that `acl_file` names; then `systemctl reload mosquitto` (SIGHUP)."),
        (
            "RabbitMQ",
            "`rabbitmqctl set_topic_permissions`, and `rabbitmqctl set_permissions` for the exchange amq.topic.",
        ),
        ("NanoMQ", "nanomq_acl.conf; then restart it."),
        ("NATS", "the user's `permissions { publish, subscribe }`, where `.` stands for MQTT's `/`."),
    ),
)
ACCOUNTS: Final = Hints(
    caption="The broker's accounts",
    by_broker=(
        ("EMQX", "Access Control > Authentication in its dashboard."),
        (
            "Mosquitto",
            (
                "the file that `password_file` names, written by `mosquitto_passwd`; then `systemctl reload mosquitto` "
                "(SIGHUP)."
            ),
        ),
        (
            "RabbitMQ",
            (
                "`rabbitmqctl authenticate_user NAME` asks for the password and tries it; the user `guest` may only "
                "come from localhost."
            ),
        ),
        ("NanoMQ", "nanomq_pwd.conf; then restart it."),
        ("NATS", "`authorization { users }`."),
    ),
)
MQTT_VERSIONS: Final = Hints(
    caption="Versions of MQTT that brokers speak",
    by_broker=(
        ("EMQX", "3.1, 3.1.1 and 5."),
        ("Mosquitto", "3.1, 3.1.1 and 5."),
        ("RabbitMQ", "3.1 and 3.1.1; from release 3.13 on 5 as well."),
        ("NanoMQ", "3.1, 3.1.1 and 5."),
        ("NATS", "3.1.1."),
    ),
)
LIMITS: Final = Hints(
    caption="The broker's limits",
    by_broker=(
        ("EMQX", "`listeners.ssl.default.max_connections` in emqx.conf; `emqx ctl clients list`."),
        ("Mosquitto", "`max_connections` and `max_queued_messages` in mosquitto.conf."),
        ("RabbitMQ", "alarms in `rabbitmq-diagnostics status`."),
        ("NATS", "`max_connections`, and the limits of the account."),
    ),
)
PACKET_SIZES: Final = Hints(
    caption="The broker's longest packet",
    by_broker=(
        ("EMQX", "`mqtt.max_packet_size` in emqx.conf."),
        ("Mosquitto", "`max_packet_size` in mosquitto.conf."),
        ("NanoMQ", "`mqtt.max_packet_size` in nanomq.conf."),
        ("NATS", "`max_payload`."),
    ),
)
HIGHEST_QOS: Final = Hints(
    caption="The broker's highest quality of service",
    by_broker=(
        ("EMQX", "`mqtt.max_qos_allowed` in emqx.conf."),
        ("Mosquitto", "`max_qos` in mosquitto.conf."),
        ("RabbitMQ", "has no QoS 2."),
    ),
)
CLUSTER_STATE: Final = Hints(
    caption="The broker's state",
    by_broker=(
        ("EMQX", "`emqx ctl status` and `emqx ctl cluster status`."),
        ("Mosquitto", "`systemctl status mosquitto`."),
        ("RabbitMQ", "`rabbitmq-diagnostics check_running` and `rabbitmq-diagnostics status` (alarms)."),
        ("NATS", "`systemctl status nats-server`."),
    ),
)
