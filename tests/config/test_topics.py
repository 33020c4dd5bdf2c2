import pytest

from monitor.config.topics import fits, topic_filter, topic_template


@pytest.mark.parametrize("template", ["mqtt-tls-monitor/{id}/{nonce}", "{nonce}", "/a b/{nonce}-{id}/", "ünï/{nonce}"])
def test_template_is_kept_as_written(template: str) -> None:
    assert topic_template(template) == template


@pytest.mark.parametrize(
    "template",
    [
        "a/{id}",
        "a/{nonce}/#",
        "+/{nonce}",
        "a/{host}/{nonce}",
        "a/{nonce",
        "a/{{nonce}}",
        "$SYS/{nonce}",
        "a\0/{nonce}",
        "",
    ],
)
def test_template_that_cannot_be_published_to_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        topic_template(template)


@pytest.mark.parametrize(
    ("template", "covered"),
    [
        ("mqtt-tls-monitor/{id}/{nonce}", "mqtt-tls-monitor/+/+"),
        ("probe-{id}/{nonce}/x", "+/+/x"),
        ("{nonce}", "+"),
        ("/a/{nonce}/", "/a/+/"),
    ],
)
def test_filter_has_a_wildcard_for_each_level_that_varies(template: str, covered: str) -> None:
    assert topic_filter(template) == covered


def test_length_counts_filled_placeholders_and_bytes() -> None:
    room = 65535 - len("/x-12345678/") - 64
    assert fits("a" * room + "/{id}/{nonce}", "x")
    assert not fits("a" * (room + 1) + "/{id}/{nonce}", "x")
    assert not fits("ä" * room + "/{id}/{nonce}", "x")
