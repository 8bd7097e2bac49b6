"""Objects of JSON: what is there is read, what is wrong is told where it is."""

from decimal import Decimal
from typing import Any

import pytest

from adapters import values
from adapters.objects import Object
from adapters.reading import Problems


@pytest.fixture
def problems() -> Problems:
    return Problems()


def told(problems: Problems) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in problems.found]


def test_what_is_null_or_blank_is_not_there(problems: Problems) -> None:
    found = Object({"a": None, "b": "  ", "c": " x "}, problems)
    assert [found.text(name, values.line) for name in "abcd"] == [None, None, "x", None]
    assert told(problems) == []


def test_what_is_needed_is_missing_once_and_at_its_pointer(problems: Problems) -> None:
    found = Object({"a": {"b/c": ""}}, problems)
    assert found.child("a").needed("b/c", values.line) is None
    assert found.child("x").needed("y", values.line) is None
    assert told(problems) == [("/a/b~1c", "missing"), ("/x", "missing")]


@pytest.mark.parametrize("value", [7, True, [], {}])
def test_a_text_is_a_text(problems: Problems, value: Any) -> None:
    assert Object({"a": value}, problems).text("a", values.line) is None
    assert told(problems) == [("/a", "not_text")]


@pytest.mark.parametrize("value", ["7", True, [], {}])
def test_a_number_is_a_number(problems: Problems, value: Any) -> None:
    assert Object({"a": value}, problems).number("a", Decimal) is None
    assert told(problems) == [("/a", "not_a_number")]


def test_a_number_is_what_was_written_and_not_what_a_float_holds(problems: Problems) -> None:
    assert Object({"a": 0.1}, problems).number("a", Decimal) == Decimal("0.1")
    assert told(problems) == []


def test_a_word_that_no_table_has_is_a_problem(problems: Problems) -> None:
    found = Object({"a": "x", "b": "y", "c": "x"}, problems)
    assert [found.code(name, {"x": 1}) for name in "abd"] == [1, None, None]
    assert found.code("c", frozenset("x")) == "x"
    assert told(problems) == [("/b", "unknown_code")]


def test_a_flag_is_true_or_false(problems: Problems) -> None:
    found = Object({"a": False, "b": "true"}, problems)
    assert [found.flag(name) for name in "abc"] == [False, None, None]
    assert told(problems) == [("/b", "not_a_boolean")]


def test_lists_are_lists_of_objects_and_not_too_long(problems: Problems) -> None:
    found = Object({"a": [{}, 7], "b": {}, "c": [{}] * 3}, problems)
    assert len(found.all("a")) == 2
    assert [found.all("b"), found.all("c", most=2), found.all("d")] == [[], [], []]
    assert told(problems) == [("/a/1", "not_an_object"), ("/b", "not_a_list"), ("/c", "too_many")]


def test_an_object_may_be_missing_without_a_problem(problems: Problems) -> None:
    found = Object({"a": {"b": "x"}}, problems)
    inner = found.first("a")
    assert inner is not None
    assert (inner.text("b", values.line), found.first("c")) == ("x", None)
    assert told(problems) == []
