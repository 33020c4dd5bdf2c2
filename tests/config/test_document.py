import pytest
import yaml

from monitor.config import document
from monitor.config.document import Document, Node, parse_document


def read(text: str) -> Document:
    return parse_document(text)


def test_values_stay_text_as_written() -> None:
    root = read("a: 010\nb: on\nc: 3.10\nd: 12:30:45\ne: 2026-01-01\nf: 1_000\n").root
    assert root is not None
    assert root.plain() == {"a": "010", "b": "on", "c": "3.10", "d": "12:30:45", "e": "2026-01-01", "f": "1_000"}


def test_nothing_is_none_unless_quoted() -> None:
    root = read("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n").root
    assert root is not None
    assert root.plain() == {"a": None, "b": None, "c": None, "d": "", "e": "null"}


def test_each_node_knows_the_line_of_its_key() -> None:
    root = read("a:\n  - b:\n      c: >\n        long\n        text\n  - d\n").root
    assert root is not None
    listed = root.child("a")
    assert listed is not None
    first, second = listed.child(0), listed.child(1)
    assert first is not None
    assert second is not None
    b = first.child("b")
    assert b is not None
    assert [node.line for node in (root, listed, first, b, second)] == [1, 1, 2, 2, 6]
    assert b.child("c") == Node(line=3, value="long text\n")


def test_alias_has_the_value_of_its_anchor_and_its_own_line() -> None:
    root = read("a: &x {k: v}\nb: *x\n").root
    assert root is not None
    b = root.child("b")
    assert b is not None
    assert (b.line, b.plain()) == (2, {"k": "v"})


def test_aliases_within_bounds_are_no_fault() -> None:
    text = "all: &all [a, b]\nlists: [" + ", ".join(["*all"] * 1000) + "]\n"
    assert read(text).faults == ()


def test_every_duplicate_is_a_fault_and_the_first_value_stays() -> None:
    document = read("a: 1\nb: 2\na: 3\nb: 4\na: 5\n")
    assert [(fault.line, fault.path) for fault in document.faults] == [(3, ("a",)), (4, ("b",)), (5, ("a",))]
    assert document.root is not None
    assert document.root.plain() == {"a": "1", "b": "2"}


def test_quadratic_aliases_are_refused_early() -> None:
    text = "a: &a [" + "x, " * 10_000 + "]\nb: [" + "*a, " * 10_000 + "]\n"
    document = read(text)
    assert document.root is None
    assert "expected at most 500000 values" in document.faults[0].message


def test_aliases_cannot_nest_past_the_bound() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]
    document = read("\n".join(lines))
    assert document.root is None
    assert "nested at most 20 deep" in document.faults[0].message


def test_long_line_of_brackets_is_refused() -> None:
    assert read("[" * 200_000).root is None


def test_empty_text_has_no_root_and_no_fault() -> None:
    assert read("# nothing\n") == Document(root=None)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_secret_that_looks_like_a_tag_is_not_repeated(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_LOADER", loader)
    (fault,) = parse_document("password_file: !hunter2!x y").faults
    assert fault.message == "expected YAML, found an error: found undefined tag handle"
