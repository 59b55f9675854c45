"""What is read of a body before anything is known about it."""

from __future__ import annotations

import pytest

from adapters.payload import json_object


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '"{}"', b"\xff\xfe", "[" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000],
    ids=["nothing", "half", "list", "number", "null", "string", "no-text", "deep-list", "deep-object"],
)
def test_what_is_no_object_is_an_empty_one(text):
    assert json_object(text) == {}


def test_an_object_is_read_from_text_and_from_bytes():
    assert json_object('{"a": "ü"}') == json_object('{"a": "ü"}'.encode()) == {"a": "ü"}
