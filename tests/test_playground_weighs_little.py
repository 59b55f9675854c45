"""The playground's page is small: it opens at once on an old computer, and whoever wants to can read all of it."""

from __future__ import annotations

import gzip

from bot.playground.page import FILES

MOST = 40 * 1000


def test_the_whole_page_is_under_40_kb_as_it_travels_compressed():
    parts = [path.read_bytes() for path in FILES.iterdir()]
    assert 0 < sum(len(gzip.compress(part)) for part in parts) < MOST
