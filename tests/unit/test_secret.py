# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import pickle

import pytest

from ram_mfa._secret import SecretBytes, SecretList, SecretText

HIDDEN = [SecretBytes(b"swordfish"), SecretText("swordfish")]


@pytest.mark.requirement("O20", "V36")
@pytest.mark.parametrize("secret", HIDDEN, ids=lambda secret: type(secret).__name__)
class TestSecret:
    def test_blank_repr(self, secret):
        """No repr shows it: neither its own nor that of what holds it, nor a format of one."""
        for shown in (repr(secret), repr([secret]), repr({"k": secret}), f"{secret!r}", ascii(secret)):
            assert "swordfish" not in shown

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_not_pickled(self, secret, protocol):
        """It is not pickled, by any protocol, alone or inside."""
        for held in (secret, [secret]):
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(held, protocol)

    def test_copies_are_itself(self, secret):
        """A copy is the same object, so that copying a value that holds one works."""
        assert copy.copy(secret) is secret
        assert copy.deepcopy([secret])[0] is secret

    def test_is_what_it_holds(self, secret):
        """For every computation it is what it holds."""
        plain = b"swordfish" if isinstance(secret, bytes) else "swordfish"
        assert secret == plain
        assert hash(secret) == hash(plain)
        assert secret[:5] == plain[:5]
        assert not hasattr(secret, "__dict__")


class TestText:
    def test_bytes_never_print(self):
        """Bytes are blank by str() too: what is printed by accident is not them."""
        assert str(SecretBytes(b"swordfish")) == "<secret bytes>"
        assert f"{SecretBytes(b'swordfish')}" == "<secret bytes>"

    def test_text_is_for_a_page(self):
        """Text goes onto the page that it is meant for."""
        assert str(SecretText("swordfish")) == "swordfish"
        assert f"{SecretText('swordfish')}" == "swordfish"


def test_a_list():
    """A list of a record's fields is a list, with a blank repr, and is not pickled."""
    row = SecretList([1, b"secret"])
    assert row == [1, b"secret"]
    assert repr(row) == str(row) == "<secret list>"
    with pytest.raises(TypeError):
        pickle.dumps(row)
