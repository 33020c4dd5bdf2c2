# syntax=docker/dockerfile:1
FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY constraints.txt ./
# Every wheel is checked against its hash; what is installed later comes from this directory alone.
RUN python3 -m venv /build \
    && /build/bin/pip wheel --no-cache-dir --require-hashes --requirement constraints.txt --wheel-dir /wheels \
    && /build/bin/pip install --no-index --find-links /wheels --upgrade setuptools
COPY pyproject.toml README.md LICENSE ./
COPY monitor monitor
COPY docs/runbooks docs/runbooks
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python3 -m venv /opt/mqtt-tls-monitor \
    && /opt/mqtt-tls-monitor/bin/pip install --no-index --find-links /wheels 'mqtt-tls-monitor[uvloop]'

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/mqtt-tls-monitor /opt/mqtt-tls-monitor
# No user of that number exists: it owns nothing.
USER 9883:9883
EXPOSE 9883
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s \
    CMD ["/opt/mqtt-tls-monitor/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9883/-/healthy', timeout=3)"]
ENTRYPOINT ["/opt/mqtt-tls-monitor/bin/mqtt-tls-monitor"]
CMD ["run", "--config", "/etc/mqtt-tls-monitor/monitor.yml"]
