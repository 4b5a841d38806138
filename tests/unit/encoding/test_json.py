# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import MalformedMessage
from ram_mfa.encoding.json import MAX_COMMAS, MAX_CONTAINERS, MAX_NUMBER, load_object, text_member

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def load(document, limit=1 << 20):
    return load_object(document, message="message", limit=limit)


class TestLoadObject:
    @given(value=st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
    def test_objects(self, value):
        """What json writes is read as it was, as text and as bytes."""
        text = json.dumps(value)
        assert load(text) == load(text.encode()) == value

    def test_names_twice(self):
        """A name that stands twice in one object is refused, on any level; in two objects it is not."""
        assert load('{"a": {"b": 1}, "b": {"a": 1}}') == {"a": {"b": 1}, "b": {"a": 1}}
        for document in ('{"a": 1, "a": 1}', '{"b": [{"a": 1, "\\u0061": 2}]}'):
            with pytest.raises(MalformedMessage, match="names are unique"):
                load(document)

    @pytest.mark.parametrize(
        "document", ["", "{", "[]", '"text"', "1", "null", '{"a": NaN}', '{"a": -Infinity}', b"\xff", b'{"a": "\xff"}']
    )
    def test_no_object(self, document):
        with pytest.raises(MalformedMessage):
            load(document)

    @pytest.mark.parametrize("document", [None, 5, {}, [], bytearray(b"{}")])
    def test_no_document(self, document):
        with pytest.raises(MalformedMessage, match="neither text nor bytes"):
            load(document)

    @pytest.mark.requirement("V31")
    def test_bounds(self):
        """Length, containers, commas and the digits of a number: the bound itself is taken, and one more is not."""
        inner = MAX_CONTAINERS - 1
        assert load("{}", limit=2) == {}
        assert load('{"a": ' + "[[]," * 10 + "[]" + "]" * 10 + "}")
        assert len(load('{"a": [' + ",".join(["[]"] * (inner - 1)) + "]}")["a"]) == inner - 1
        assert len(load('{"a": [' + ",".join(["0"] * (MAX_COMMAS + 1)) + "]}")["a"]) == MAX_COMMAS + 1
        assert load(f'{{"a": {"1" * MAX_NUMBER}, "b": 1.{"5" * (MAX_NUMBER - 2)}}}')["a"] == int("1" * MAX_NUMBER)
        for document, limit in (
            ("{} ", 2),
            ('{"a": [' + ",".join(["[]"] * inner) + "]}", 1 << 20),
            ('{"a": [' + ",".join(["0"] * (MAX_COMMAS + 2)) + "]}", 1 << 20),
            (f'{{"a": {"1" * (MAX_NUMBER + 1)}}}', 1 << 20),
            (f'{{"a": 1.{"5" * (MAX_NUMBER - 1)}}}', 1 << 20),
            ('{"a": ' + "[" * 100_000 + "}", 1 << 20),
        ):
            with pytest.raises(MalformedMessage):
                load(document, limit)
        assert (MAX_CONTAINERS, MAX_COMMAS, MAX_NUMBER) == (1_024, 4_096, 40)


class TestTextMember:
    def test_text(self):
        assert text_member({"a": ""}, "a", message="message") == ""

    @pytest.mark.parametrize("members", [{}, {"a": None}, {"a": 1}, {"a": b"text"}, {"A": "text"}])
    def test_no_text(self, members):
        with pytest.raises(MalformedMessage) as error:
            text_member(members, "a", message="message")
        assert error.value.field == "a"
