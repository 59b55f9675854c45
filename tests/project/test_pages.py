"""The pages of the documentation that are printed from the code are current."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.write_pages import pages


@pytest.mark.parametrize(("page", "text"), pages().items(), ids=lambda value: getattr(value, "name", ""))
def test_the_page_is_current(page: Path, text: str):
    assert page.read_text("utf-8") == text, "python -m tests.project.write_pages"
