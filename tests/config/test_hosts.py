import pytest

from monitor.config.hosts import host, listen_address, server_name, split_target


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("broker.example", "broker.example"),
        ("Broker.EXAMPLE.", "broker.example"),
        ("localhost", "localhost"),
        ("my_broker-1", "my_broker-1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
    ],
)
def test_host_is_brought_to_one_form(written: str, read: str) -> None:
    assert host(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a b",
        "-a",
        "a-",
        "a..b",
        "*.example",
        "127.1",
        "0x7f000001",
        "256.1.1.1",
        "[192.0.2.1]",
        "[::1",
        "::1%",
        "a/b",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "a\n",
    ],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="expected a host name or an IP address"):
        host(written)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("mqtts://broker.example", "write host: broker.example"),
        ("mqtts://broker.example:8884/x?y", "write host: broker.example and port: 8884"),
        ("ssl://[::1]:8884", "write host: ::1 and port: 8884"),
        ("https://::1", "write host: ::1"),
        ("broker.example:8884", "write host: broker.example and port: 8884"),
        ("broker.example:", "write host: broker.example"),
        ("[::1]:8884", "write host: ::1 and port: 8884"),
    ],
)
def test_url_or_port_is_answered_with_what_to_write(written: str, instead: str) -> None:
    with pytest.raises(ValueError, match=r"alone") as refused:
        host(written)
    assert str(refused.value).endswith(f"; {instead}")


@pytest.mark.parametrize(
    "written", ["mqtts://u:hunter2@broker.example", "mqtts://u:hunter2@", "u:hunter2@broker.example"]
)
def test_password_in_a_url_is_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="alone") as refused:
        host(written)
    assert "hunter2" not in str(refused.value)


def test_server_name_has_no_scope_id() -> None:
    assert server_name("[fe80::1%eth0]") == "fe80::1"
    assert server_name("Broker.example.") == "broker.example"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (":9883", ("", 9883)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:9883", ("::1", 9883)),
        ("localhost:9883", ("localhost", 9883)),
    ],
)
def test_listen_address_is_host_and_port(written: str, read: tuple[str, int]) -> None:
    assert listen_address(written) == read


@pytest.mark.parametrize("written", ["9883", "localhost", "localhost:", "::1", "[::1]", ":65536", "a b:1"])
def test_listen_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        listen_address(written)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("broker", {"host": "broker"}),
        ("broker:8884", {"host": "broker", "port": "8884"}),
        ("broker:mqtts", {"host": "broker", "port": "mqtts"}),
        ("mqtts://broker", {"host": "broker"}),
        ("mqtts://broker:8884/", {"host": "broker", "port": "8884"}),
        ("[::1]:8884", {"host": "[::1]", "port": "8884"}),
        ("::1", {"host": "::1"}),
        ("fe80::1%eth0", {"host": "fe80::1%eth0"}),
    ],
)
def test_target_is_split_into_host_and_port(target: str, options: dict[str, str]) -> None:
    assert split_target(target) == options


@pytest.mark.parametrize(
    "target", ["8883", "mqtt://broker", "https://broker", "broker/x", "u:hunter2@broker", "mqtts://u:hunter2@b"]
)
def test_target_of_another_kind_is_refused_without_its_password(target: str) -> None:
    with pytest.raises(ValueError, match="expected a target") as refused:
        split_target(target)
    assert "hunter2" not in str(refused.value)
