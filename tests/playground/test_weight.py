"""The page is small, so that it opens at once on an old computer, and names no file that is not there."""

from __future__ import annotations

import gzip
import posixpath
import re

from bot.playground.web.server import page_files

MOST = 40 * 1000


def test_the_whole_page_is_under_40_kb_as_it_travels_compressed():
    parts = [path.read_bytes() for path in page_files().values()]
    assert 0 < sum(len(gzip.compress(part)) for part in parts) < MOST


def test_every_file_that_the_page_names_is_there():
    named = set()
    for path, file in page_files().items():
        if file.suffix == ".js":
            found = re.findall(r'from "(\.[^"]+)"', file.read_text("utf-8"))
            named |= {posixpath.normpath(posixpath.join(posixpath.dirname(path), each)) for each in found}
        elif file.suffix == ".html":
            named |= set(re.findall(r'"/page/([^"]+)"', file.read_text("utf-8")))
    assert named == set(page_files()) - {"index.html"}
