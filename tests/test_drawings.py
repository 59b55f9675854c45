"""The pictures in the documentation are drawn by the code they show."""

from __future__ import annotations

import re

from draw import FLOWS, FULL_HOUSE, PAGE, PRIVACY, README, page, readme

from bot import privacy_page


def test_the_page_of_flows_is_current():
    assert PAGE.read_text("utf-8") == page(), "python -m tests.draw"


def test_the_table_of_who_can_read_what_is_current():
    assert PRIVACY.read_text("utf-8") == privacy_page.page(FULL_HOUSE), "python -m tests.draw"
    assert README.read_text("utf-8") == readme(), "python -m tests.draw"


def test_every_stage_is_in_the_picture():
    for picture, flow in zip(re.findall(r"```mermaid\n(.*?)```", page(), re.DOTALL), FLOWS, strict=False):
        assert all(re.search(rf"\b{stage}\b", picture) for stage in flow.stages)
