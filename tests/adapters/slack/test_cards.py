"""Whatever a card holds, Slack takes it, and a person's words stay words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from adapters.base import Button, Card, Field, Link, Option
from adapters.fakes.slack.limits import message_problems, view_problems
from adapters.slack import SlackApi, cards
from adapters.text import clean, name
from conversations.model import Person

WORDS = st.text(max_size=200) | st.text(alphabet="a b\n&<", max_size=9000) | st.just("\u200b")
NAMES = st.text(alphabet="abcdefgh-", min_size=1, max_size=20)
TOKENS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=2000)
OPTIONS = st.lists(st.builds(Option, st.text(min_size=1, max_size=150), WORDS), max_size=130).map(tuple)


@st.composite
def fields(draw: st.DrawFn) -> Field:
    options = draw(OPTIONS)
    kind = draw(st.sampled_from(["choice", "several", "people", "text"]))
    ticked = draw(st.lists(st.sampled_from([o.value for o in options]), max_size=4)) if options else []
    initial = tuple(ticked) if kind in {"choice", "several"} else (draw(WORDS),) if kind == "text" else ("U1",)
    return Field(draw(NAMES), kind, draw(WORDS), options, initial)


CARDS = st.builds(
    Card,
    id=st.text(alphabet="0123456789abcdef", min_size=8, max_size=32),
    text=WORDS,
    push=WORDS,
    quote=WORDS,
    fields=st.lists(fields(), max_size=6).map(tuple),
    buttons=st.lists(
        st.builds(Button, WORDS, TOKENS, st.sampled_from(["plain", "primary", "danger"])), max_size=30
    ).map(tuple),
    link=st.none() | st.builds(Link, WORDS, st.just(Person("slack", "T1", "U1"))),
    title=WORDS,
)


@given(CARDS)
def test_slack_takes_every_card_as_a_message_a_form_and_a_home_page(card: Card):
    assert message_problems(cards.message(card), 4000) == []
    assert view_problems(cards.modal(card, "Peer Support")) == []
    assert view_problems(cards.home(card)) == []
    json.dumps(cards.message(card), ensure_ascii=False).encode()


@given(CARDS)
def test_slack_s_own_models_take_every_card_too(card: Card):
    for block in cards.to_blocks(card):
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
    View(**cards.modal(card, "Peer Support")).validate_json()


@given(CARDS)
def test_a_post_can_be_found_by_the_id_of_its_first_block(card: Card):
    ids = [b.get("block_id") for b in cards.to_blocks(card)]
    assert ids[0] == card.id
    assert ids.count(card.id) == 1


@given(CARDS)
def test_nothing_is_markup_and_nothing_becomes_a_mention_or_a_link(card: Card):
    raw = json.dumps(cards.to_blocks(card))
    assert "mrkdwn" not in raw
    assert '"emoji": true' not in raw
    text = cards.message(card)["text"]
    assert "<" not in text
    assert ">" not in text


@given(st.text(max_size=300))
def test_a_person_s_words_arrive_as_they_were_written(words: str):
    card = Card("c1", "They write:", "You have a message.", quote=words)
    quoted = [b for b in cards.to_blocks(card) if b["type"] == "rich_text"]
    said = [e["text"] for b in quoted for part in b["elements"] for e in part["elements"]]
    assert said == ([clean(words)] if clean(words).strip() else [])


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\x00", "\x1b", "\u00ad", "\ud800"]
)
def test_what_cannot_be_seen_is_taken_out(hidden: str):
    assert clean(f"I{hidden}'m fi{hidden}ne\r\nreally\u2028yes\tno") == "I'm fine\nreally\nyes no"


def test_accents_emoji_and_other_scripts_stay():
    for words in ("Zoë Núñez", "大丈夫", "שלום", "مرحبا", "🙂"):
        assert clean(words) == words


@pytest.mark.parametrize(
    "word",
    ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937", "\U0001f468\u200d\u2695\ufe0f"],
)
def test_what_joins_letters_of_a_script_or_an_emoji_stays(word: str):
    assert clean(word) == word
    assert clean(f"\u200d{word}\u200c \u200d\u200d") == f"{word} "
    assert name(word) == word


@pytest.mark.parametrize("blank", ["", "  ", "\u3164", "\u2800\u2800", "\u200d\u200b", "\u202e", None, 7])
def test_where_one_name_is_blank_the_other_is_shown(blank: object):
    assert name(blank, "Zo\u00eb N\u00fa\u00f1ez") == "Zo\u00eb N\u00fa\u00f1ez"
    assert name(blank) == ""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\U0001e4d0\U0001e4d1", "\U0001e4d0\U0001e4d1"),  # Nag Mundari, which Python 3.11 does not know
        ("\U00031350", "\U00031350"),  # a rare character of Chinese names, likewise
        ("\ue000", "\ue000"),  # of a font of one's own
        ("\U000e0100\U000e1000", "Other"),
        ("Bo\nCall 555 0100 instead", "Bo Call 555 0100 instead"),
    ],
)
def test_a_name_of_any_script_is_shown_and_is_one_line(given: str, shown: str):
    assert name(given, "Other") == shown


def test_a_long_text_loses_nothing_until_slack_s_own_end():
    text = " ".join(f"word{i}" for i in range(1000))
    said = [b["text"]["text"] for b in cards.to_blocks(Card("c1", text, "p"))]
    assert "".join(said) == text
    assert all(len(s) <= 3000 for s in said)


def test_a_new_post_has_new_inputs_so_that_old_answers_do_not_linger():
    field = Field("about", "text", "About")
    first = cards.to_blocks(Card("c1", "t", "p", fields=(field,)))
    second = cards.to_blocks(Card("c2", "t", "p", fields=(field,)))
    assert first[1]["block_id"] != second[1]["block_id"]
    assert first[1]["element"]["action_id"] == second[1]["element"]["action_id"] == "field:about"
    assert first[1]["optional"] is True


@pytest.mark.parametrize(
    ("kind", "options", "element"),
    [
        ("choice", 5, "radio_buttons"),
        ("choice", 6, "static_select"),
        ("several", 10, "checkboxes"),
        ("several", 11, "multi_static_select"),
        ("several", 250, "multi_static_select"),
        ("people", 0, "multi_users_select"),
        ("text", 0, "plain_text_input"),
    ],
)
def test_a_question_takes_the_form_that_reads_best(kind, options, element):
    every = tuple(Option(f"v{i}", f"Option {i}") for i in range(options))
    field = Field("f", kind, "F", every, ("v1",) if every else ())
    card = Card("c1", "t", "p", fields=(field,))
    block = cards.to_blocks(card)[1]["element"]
    assert block["type"] == element
    assert message_problems(cards.message(card)) == []
    if options > 100:
        assert sum(len(g["options"]) for g in block["option_groups"]) == options


@pytest.mark.parametrize(
    ("workspace", "api", "url"),
    [
        ("T1", "https://slack.com/api/", "https://slack.com/app_redirect?channel=U%262&team=T1"),
        ("E1", "https://slack.com/api/", "https://slack.com/app_redirect?channel=U%262"),
        ("T1", "https://slack-gov.com/api/", "https://slack-gov.com/app_redirect?channel=U%262&team=T1"),
        ("T1", "http://127.0.0.1:4103/api/", "https://slack.com/app_redirect?channel=U%262&team=T1"),
    ],
)
def test_a_link_opens_a_chat_between_two_people_in_a_browser_too(workspace, api, url):
    card = Card("c1", "t", "p", link=Link("Write to Bo", Person("slack", workspace, "U&2")))
    assert cards.to_blocks(card, SlackApi(api).site)[-1]["elements"][-1]["url"] == url


def test_a_form_carries_its_token_where_slack_brings_it_back():
    card = Card(
        "c1", "t", "p", fields=(Field("a", "text", "A"),), buttons=(Button("Send it to them", "tok"),), title="T" * 40
    )
    view = cards.modal(card, "Peer Support")
    assert (view["private_metadata"], view["submit"]["text"]) == ("tok", "Send it to them")
    assert len(view["title"]["text"]) == 24
    assert cards.modal(replace(card, title=""), "Peer Support")["title"]["text"] == "Peer Support"


def test_what_cannot_be_shortened_without_harm_is_refused():
    with pytest.raises(ValueError, match="2000"):
        cards.to_blocks(Card("c1", "t", "p", buttons=(Button("b", "x" * 2001),)))
    with pytest.raises(ValueError, match="150"):
        cards.to_blocks(Card("c1", "t", "p", fields=(Field("f", "choice", "F", (Option("v" * 151, "V"),)),)))


def test_a_lock_screen_gets_the_push_line_and_no_markup():
    assert cards.message(Card("c1", "secret", "A <b> & c"))["text"] == "A &lt;b&gt; &amp; c"
    assert cards.message(Card("c1", "secret", ""))["text"] == "…"


def test_a_refusal_has_the_same_bytes_every_time():
    one, other = (cards.ephemeral(cards.anonymous(Card(i, "t", "p"))) for i in ("c1", "c2"))
    assert one == other
