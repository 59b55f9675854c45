"""What an administrator uploads is what Teams takes, asks for nothing but a chat, and is the same whoever makes it.

The limits are those of Microsoft's published schema; its own validator is not ours to ship.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from typing import Any

import pytest

from adapters.teams.package.build import ACCENT, COMMANDS, EXAMPLE, FULL, LONGEST_NAME, SHORT, icon, manifest, package
from bot.cli.main import app as commands
from conversations.vocabulary import Word
from tests.typed import parse_word

CLIENT_ID = "c0c0c0c0-1111-4222-8333-444455556666"
NOT_SAID = (
    "victim",
    "incident",
    "case",
    "ticket",
    "symptom",
    "therapist",
    "anonymous",
    "confidential",
    "you must",
    "!",
)
NOT_ASKED_FOR = ("webApplicationInfo", "authorization", "permissions", "devicePermissions", "composeExtensions")


def made(name: str = "Peer Support", url: str = "https://chat.example.org") -> dict[str, Any]:
    return manifest(CLIENT_ID, name, url, "0.1.0")


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def pixels(png: bytes) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    """Width, height, and every pixel of an unfiltered PNG; each checksum is checked."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        chunks[kind] = png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + chunks[kind])
        at += 12 + size
    width, height, bits, kind_of_colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (bits, kind_of_colour) == (8, 6)
    raw, step = zlib.decompress(chunks[b"IDAT"]), 1 + 4 * width
    rows = [raw[row * step : (row + 1) * step] for row in range(height)]
    assert all(row[0] == 0 and len(row) == step for row in rows)
    return width, height, [tuple(row[i : i + 4]) for row in rows for i in range(1, step, 4)]  # type: ignore[misc]


def test_the_zip_holds_three_files_at_its_root_and_is_always_the_same():
    zipped = package(CLIENT_ID, "Peer Support", EXAMPLE, "0.1.0")
    assert zipped == package(CLIENT_ID, "Peer Support", EXAMPLE, "0.1.0")
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "color.png", "outline.png"]
        inside = json.loads(archive.read("manifest.json"))
        assert inside == manifest(CLIENT_ID, "Peer Support", EXAMPLE, "0.1.0")
        assert set(inside["icons"].values()) == {"color.png", "outline.png"}


def test_every_field_teams_requires_is_there_and_within_its_length():
    app = made("N" * LONGEST_NAME)
    assert {"manifestVersion", "version", "id", "developer", "name", "description", "icons", "accentColor"} <= set(app)
    assert app["$schema"].endswith(f"/v{app['manifestVersion']}/MicrosoftTeams.schema.json")
    assert (1, 19) <= tuple(int(part) for part in app["manifestVersion"].split(".")) <= (1, 29)
    assert re.fullmatch(r"\d+\.\d+\.\d+", app["version"])
    assert len(app["name"]["short"]) <= 30
    assert len(app["name"]["full"]) <= 100
    assert len(app["description"]["short"]) <= 80
    assert len(app["description"]["full"]) <= 4000
    assert len(app["developer"]["name"]) <= 32
    assert re.fullmatch(r"#[0-9a-f]{6}", app["accentColor"])
    assert app["localizationInfo"] == {"defaultLanguageTag": "en"}


def test_the_app_is_one_bot_in_a_persons_own_chat_and_nothing_else():
    app = made()
    (bot,) = app["bots"]
    assert app["id"] == bot["botId"] == CLIENT_ID
    assert bot["scopes"] == ["personal"]
    assert app["defaultInstallScope"] == "personal"
    assert not any(bot[name] for name in bot if name.startswith("supports"))
    assert not set(NOT_ASKED_FOR) & set(app)


def test_every_address_is_ours_and_has_tls():
    app = made(url="https://chat.example.org/")
    assert app["validDomains"] == ["chat.example.org"]
    addresses = [value for name, value in app["developer"].items() if name.endswith("Url")]
    assert addresses == [f"https://chat.example.org{path}" for path in ("", "/privacy", "/terms")]


def test_the_words_it_offers_are_words_we_hear():
    (listed,) = made()["bots"][0]["commandLists"]
    assert listed["scopes"] == ["personal"]
    assert 0 < len(listed["commands"]) <= 12
    for command in listed["commands"]:
        assert len(command["title"]) <= 32
        assert len(command["description"]) <= 128
        assert parse_word(command["title"]) == command["title"].casefold()
        assert command["title"].casefold() in set(Word)
    assert len(dict(COMMANDS)) == len(COMMANDS)


def test_it_speaks_as_the_bot_does():
    for text in (SHORT, FULL, *(text for command in COMMANDS for text in command)):
        for word in NOT_SAID:
            assert re.search(rf"\b{re.escape(word)}" if word[0].isalpha() else word, text, re.IGNORECASE) is None, word
        assert text.isascii()
    said = " ".join(texts(made()))
    assert "not therapy, not a report and not a crisis line" in said
    assert "can see messages in Teams" in said


def test_the_colour_icon_fills_its_square_and_keeps_its_drawing_in_the_middle():
    width, height, seen = pixels(icon("color.png"))
    assert (width, height) == (192, 192)
    assert all(opacity == 255 for *_, opacity in seen)
    ground = tuple(bytes.fromhex(ACCENT[1:]))
    drawn = [divmod(i, width) for i, (*colour, _) in enumerate(seen) if tuple(colour) != ground]
    assert len({tuple(pixel) for pixel in seen}) > 3
    assert min(min(where) for where in drawn) >= 36  # Teams cuts the corners off
    assert max(max(where) for where in drawn) < 156


def test_the_outline_icon_is_white_on_nothing():
    width, height, seen = pixels(icon("outline.png"))
    assert (width, height) == (32, 32)
    assert {pixel[:3] for pixel in seen} == {(255, 255, 255)}
    assert seen[0][3] == 0
    assert 255 in {opacity for *_, opacity in seen}
    assert sum(opacity > 0 for *_, opacity in seen) < len(seen) / 2


@pytest.mark.parametrize("name", ["teams-package", "slack-manifest"])
def test_each_platform_has_its_command(name):
    assert name in {command.name for command in commands.registered_commands}
