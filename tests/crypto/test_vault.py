"""The vault: sealing, pseudonyms and button tokens, and what their bytes reveal."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.crypto.button_token import ButtonToken
from bot.crypto.vault import Vault
from bot.errors import Corrupt
from conversations.model import Person

ROOT = bytes(range(32))
VAULT = Vault(ROOT)
OTHER = Vault(bytes(32))
ANA = Person("slack", "T1", "U1")
names = st.text(max_size=12)
ids = st.one_of(st.binary(min_size=16, max_size=32).map(bytes.hex), st.text(max_size=16))


@pytest.mark.parametrize("root", [b"", b"short-secret", bytes(31), bytes(33), b"k" * 64])
def test_a_root_of_another_length_is_refused_naming_the_setting_and_the_fix_but_not_the_value(root: bytes) -> None:
    with pytest.raises(ValueError, match=r"PEERSUPPORT_ROOT_KEY.*peersupport keys new") as refusal:
        Vault(root)
    assert not root or root.decode() not in str(refusal.value)


def test_a_root_given_as_text_is_refused() -> None:
    with pytest.raises(ValueError, match="PEERSUPPORT_ROOT_KEY"):
        Vault("x" * 32)  # type: ignore[arg-type]


def test_nothing_printable_shows_a_key_or_a_name() -> None:
    assert repr(VAULT) == "Vault(…)"
    shown = repr(ButtonToken("record-1", "status", 3, "worse"))
    assert not any(secret in shown for secret in ("record-1", "status", "worse"))
    assert not hasattr(VAULT, "__dict__")


# ---------------------------------------------------------------- keyed hashes


@given(names, names, names, names, names, names, names, names)
def test_two_people_or_purposes_never_share_a_pseudonym(
    p: str, a: str, b: str, c: str, q: str, d: str, e: str, f: str
) -> None:
    same = (p, a, b, c) == (q, d, e, f)
    assert (VAULT.pseudonym(p, Person(a, b, c)) == VAULT.pseudonym(q, Person(d, e, f))) is same


def test_the_boundaries_of_hashed_parts_matter() -> None:
    assert VAULT.pseudonym("x", Person("slack", "T1", "1U")) != VAULT.pseudonym("x", Person("slack", "T11", "U"))
    assert VAULT.keyed_hash("ab", "c") != VAULT.keyed_hash("a", "bc")


def test_a_pseudonym_is_64_hex_digits_stable_and_worthless_without_the_key() -> None:
    name = VAULT.pseudonym("open", ANA)
    assert len(bytes.fromhex(name)) == 32
    assert name == Vault(ROOT).pseudonym("open", ANA)
    assert name != OTHER.pseudonym("open", ANA)
    assert VAULT.keyed_hash("event", "Ev1") != OTHER.keyed_hash("event", "Ev1")


# ---------------------------------------------------------------- records


@given(names, ids, st.integers(0, 99), st.binary(max_size=9000))
def test_a_sealed_record_opens_for_its_kind_id_and_version(kind: str, id: str, shape: int, plain: bytes) -> None:
    assert VAULT.open(kind, id, shape, VAULT.seal(kind, id, shape, plain)) == plain


@pytest.mark.parametrize(("kind", "id", "shape"), [("roster", "r1", 1), ("request", "r2", 1), ("request", "r1", 2)])
def test_a_sealed_record_does_not_open_as_another_record(kind: str, id: str, shape: int) -> None:
    with pytest.raises(Corrupt):
        VAULT.open(kind, id, shape, VAULT.seal("request", "r1", 1, b"told"))


def test_another_root_key_opens_nothing() -> None:
    with pytest.raises(Corrupt):
        OTHER.open("request", "r1", 1, VAULT.seal("request", "r1", 1, b"told"))


def test_any_flipped_bit_and_any_cut_is_refused_with_the_same_words() -> None:
    sealed = VAULT.seal("request", "the-id", 1, b"the-plain")
    wrong = [sealed[:n] for n in range(len(sealed))] + [sealed + b"\0"]
    for n in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[n // 8] ^= 1 << n % 8
        wrong.append(bytes(flipped))
    words = set()
    for bad in wrong:
        with pytest.raises(Corrupt) as refusal:
            VAULT.open("request", "the-id", 1, bad)
        words.add(str(refusal.value))
        assert refusal.value.__cause__ is None
    assert len(words) == 1
    assert "the-id" not in words.pop()


def test_the_length_reveals_only_a_size_class() -> None:
    inside = {n: len(VAULT.seal("k", "i", 1, bytes(n))) for n in range(0, 13000, 7)}
    overhead = len(VAULT.seal("k", "i", 1, b"")) - 64
    assert {size - overhead for size in inside.values()} == {64, 256, 1024, 4096, 8192, 12288, 16384}


def test_sealing_twice_shares_no_bytes_beyond_the_head() -> None:
    one, two = (VAULT.seal("k", "i", 1, b"same") for _ in range(2))
    assert one[:5] == two[:5]
    assert not {one[n : n + 8] for n in range(5, len(one))} & {two[n : n + 8] for n in range(5, len(two))}


# ---------------------------------------------------------------- tokens


@given(ids, names, st.integers(0, 2**32 - 1), names)
def test_a_token_round_trips(record_id: str, slot: str, generation: int, choice: str) -> None:
    text = VAULT.token(record_id, slot, generation, choice)
    assert VAULT.read_token(text) == ButtonToken(record_id, slot, generation, choice)
    assert len(text) < 255
    assert OTHER.read_token(text) is None


def test_a_token_has_one_length_and_is_never_the_same_twice() -> None:
    record_id = "ab" * 16
    choices = ("yes", "not-this-time", "i-need-somebody-with-another-background")
    assert len({len(VAULT.token(record_id, "offer", 1, choice)) for choice in choices}) == 1
    assert VAULT.token(record_id, "offer", 1, "yes") != VAULT.token(record_id, "offer", 1, "yes")


def test_a_token_holds_a_pseudonym_as_record_and_another_in_its_slot() -> None:
    name = VAULT.pseudonym("person", ANA)
    text = VAULT.token(name, name + "/offer", 7, "not-this-time")
    assert VAULT.read_token(text) == ButtonToken(name, name + "/offer", 7, "not-this-time")
    assert len(text) < 255


def test_a_token_too_long_for_a_button_is_refused_when_made() -> None:
    with pytest.raises(ValueError, match="button"):
        VAULT.token("r", "s" * 200, 1, "c")


@given(st.one_of(st.text(), st.binary(max_size=300).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_garbage_is_no_token_and_no_exception(text: str) -> None:
    assert VAULT.read_token(text) is None


def test_every_changed_character_makes_it_no_token() -> None:
    text = VAULT.token("ab" * 16, "offer", 1, "yes")
    for n in range(len(text)):
        for other in "A_-9=+/ \n":
            if text[n] != other:
                assert VAULT.read_token(text[:n] + other + text[n + 1 :]) is None
    assert VAULT.read_token(text + "=") is None
    assert VAULT.read_token(text + "A") is None
