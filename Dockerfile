FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv
WORKDIR /source
COPY constraints.txt ./
# Every wheel is checked against its hash; what is installed later comes from this directory alone. Where pip needs a
# mirror or a CA to get there, `--secret id=pip.conf,src=FILE` and `--secret id=ca.pem,src=FILE` bring them.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    python3 -m venv /build \
    && /build/bin/pip wheel --no-cache-dir --require-hashes --requirement constraints.txt --wheel-dir /wheels \
    && /build/bin/pip install --no-index --find-links /wheels --upgrade setuptools
COPY pyproject.toml README.md LICENSE ./
COPY monitor monitor
COPY docs/runbooks docs/runbooks
# Compiled here: where it runs, nothing can be written. pip stays behind.
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python3 -m venv --without-pip /opt/mqtt-tls-monitor \
    && /build/bin/pip --python /opt/mqtt-tls-monitor/bin/python install --no-index --find-links /wheels \
        'mqtt-tls-monitor[demo,uvloop]'

FROM base
LABEL org.opencontainers.image.title="mqtt-tls-monitor" \
    org.opencontainers.image.description="Watches MQTT brokers over TLS: takes each connection apart, says what is wrong, and exports it to Prometheus." \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mqtt-tls-monitor /opt/mqtt-tls-monitor
# The one place that is written to: state.json, and the demo's files where there is no /tmp.
RUN ln -s /opt/mqtt-tls-monitor/bin/mqtt-tls-monitor /usr/local/bin/ \
    && install -d -o 9883 -g 9883 -m 700 /var/lib/mqtt-tls-monitor
ENV STATE_DIRECTORY=/var/lib/mqtt-tls-monitor
VOLUME /var/lib/mqtt-tls-monitor
WORKDIR /var/lib/mqtt-tls-monitor
# No user of that number exists: it owns nothing else.
USER 9883:9883
EXPOSE 9883
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s \
    CMD ["/opt/mqtt-tls-monitor/bin/python", "-I", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 9883, timeout=3); c.request('GET', '/-/healthy'); exit(c.getresponse().status != 200)"]
ENTRYPOINT ["mqtt-tls-monitor"]
CMD ["run", "--config", "/etc/mqtt-tls-monitor/monitor.yml"]
