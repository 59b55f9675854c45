"""A report as text, as CSV, and as one HTML page with pictures that are drawn here and a table beside each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final, TypeVar

from bot.report.figures import BLOCKS, DAYS, Figures
from bot.report.sizing import Sizing
from conversations.numbers import A_SHARE, QUARTERS, Year

Row = tuple[str, ...]
N = TypeVar("N", int, float)

NOT_SAID: Final = "not said"
"""Stands where a figure would tell of fewer than the smallest number."""

_CELL: Final = (56, 30)  # width and height of a block in the picture
_MARGIN: Final = 92
_YEARS: Final = 8
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "body{color:#1b1b1f;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #767680;padding:.3rem .6rem;text-align:left}"
    "svg{max-width:100%;height:auto}"
)


# ---------------------------------------------------------------- what is said


def peers_rows(figures: Figures) -> tuple[Row, ...]:
    """The peers in numbers."""
    return (
        ("Trained peers", str(figures.trained)),
        ("Of them, can be asked in their hours", str(figures.active)),
        ("Paused", str(figures.paused)),
        ("Training ends within 60 days", str(figures.ends_soon)),
        ("Training has ended", str(figures.over)),
        ("Open invitations", str(figures.invited)),
    )


def coverage_rows(figures: Figures) -> tuple[Row, ...]:
    """How many peers can be asked, by day and block of three hours, under its heading."""
    return week_rows(figures.coverage, str)


def week_rows(week: Sequence[Sequence[N]], shown: Callable[[N], str]) -> tuple[Row, ...]:
    """A figure of each block of a week, by day, under its heading."""
    heading = ("", *(f"{3 * block:02}-{3 * block + 3:02}" for block in range(BLOCKS)))
    return heading, *((day, *map(shown, row)) for day, row in zip(DAYS, week, strict=True))


def sizing_notes(sizing: Sizing) -> Row:
    """What a sizing comes to, in sentences."""
    lacks = max(number for day in sizing.missing for number in day)
    reached = f"{sizing.blocks_that_reach_it} of {BLOCKS * len(DAYS)} blocks of the week reach that; the most that one"
    chance = f"If one peer who is asked says yes with a chance of {sizing.says_yes:.0%}"
    return (
        f"{chance}, {sizing.needed} who can be asked give {sizing.goal:.0%}.",
        f"{reached} lacks is {lacks} peers.",
        "The chance of one peer is an assumption until drills have measured it. It is never taken from real offers.",
    )


def year_rows(figures: Figures) -> tuple[Row, ...]:
    """The years that are over, under their heading."""
    heading = ("Year", "Requests", *(f"Q{q + 1}" for q in range(QUARTERS)), "Yes in time", "Later", "After hours")
    return (*heading, "Coordinator told"), *(_year(year, figures.small_cell) for year in figures.years)


def _year(year: Year, small_cell: int) -> Row:
    if year.requests is None:
        return (str(year.year), f"fewer than {small_cell}", *(NOT_SAID,) * (QUARTERS + 4))
    quarters = tuple(map(str, year.quarters)) or (NOT_SAID,) * QUARTERS
    parts = (year.in_time, year.later, year.after_hours, year.escalated)
    return (str(year.year), str(year.requests), *quarters, *(_share(part, year.requests) for part in parts))


def _share(part: int | None, whole: int) -> str:
    return NOT_SAID if part is None else f"{part} ({part / whole:.0%})"


def notes(figures: Figures) -> Row:
    """What a reader has to know of the figures."""
    return _SMALL.format(k=figures.small_cell, share=A_SHARE * figures.small_cell), _WEEKLY, _TERMS


_SMALL: Final = (
    "Nothing is said of fewer than {k} requests, and no share of fewer than {share}; where a part is as small as that, "
    "none of the parts is said."
)
_WEEKLY: Final = (
    "Requests are counted in the week in which they close, and said once, when their year is over. Requests that were "
    "forgotten sooner are not counted."
)
_TERMS: Final = (
    "After hours is a weekend, or outside 8 to 5. In time is before the target of the urgency that was chosen."
)


# ---------------------------------------------------------------- as text and CSV


def to_text(figures: Figures) -> str:
    """Return the report for a terminal."""
    parts = [f"{figures.name}, {figures.made}", "", *_aligned(peers_rows(figures))]
    parts += ["", "Peers who can be asked, by day and hours:", *_aligned(coverage_rows(figures)), ""]
    parts += _aligned(year_rows(figures)) if figures.years else ["No year is over yet."]
    return "\n".join([*parts, "", *notes(figures)]) + "\n"


def _aligned(rows: tuple[Row, ...]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def to_csv(figures: Figures) -> str:
    """Return the report as CSV: a column that names the part, and the rows of that part."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    parts = {"peers": peers_rows(figures), "coverage": coverage_rows(figures), "years": year_rows(figures)}
    rows.writerows((part, *row) for part, them in parts.items() for row in them)
    return out.getvalue()


# ---------------------------------------------------------------- as a page


def to_html(figures: Figures) -> str:
    """Return the report as one page that loads nothing."""
    years = _table(year_rows(figures)) if figures.years else "<p>No year is over yet.</p>"
    most = max(1, *(number for row in figures.coverage for number in row))
    drawn = _map("Peers who can be asked", figures.coverage, coverage_rows(figures), most)
    return _page(
        f"{figures.name}, {figures.made}",
        (
            f"<h2>Peers</h2>{_table(peers_rows(figures), head=False)}",
            f"<h2>Peers who can be asked</h2>{''.join(drawn)}{_table(coverage_rows(figures))}",
            f"<h2>Requests</h2>{''.join(_bars(figures))}{years}",
            *(f"<p>{escape(note)}</p>" for note in notes(figures)),
        ),
    )


def sizing_to_text(sizing: Sizing) -> str:
    """Return a sizing for a terminal."""
    parts = ["Peers who can be asked, by day and hours:", *_aligned(week_rows(sizing.peers, str)), ""]
    parts += ["The chance that at least one says yes:", *_aligned(week_rows(sizing.chances, _percent)), ""]
    return "\n".join([*parts, *sizing_notes(sizing)]) + "\n"


def sizing_to_html(sizing: Sizing) -> str:
    """Return a sizing as one page that loads nothing."""
    chances = week_rows(sizing.chances, _percent)
    drawn = "".join(_map("The chance that at least one peer says yes", sizing.chances, chances, 1))
    return _page(
        "How many peers are needed",
        (
            *(f"<p>{escape(note)}</p>" for note in sizing_notes(sizing)),
            f"<h2>The chance that at least one says yes</h2>{drawn}{_table(chances)}",
            f"<h2>Peers who can be asked</h2>{_table(week_rows(sizing.peers, str))}",
        ),
    )


def _percent(chance: float) -> str:
    return f"{chance:.0%}"


def _page(title: str, body: Iterable[str]) -> str:
    return "\n".join(
        (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"/><title>{escape(title)}</title>',
            f'<meta name="viewport" content="width=device-width"/><style>{_STYLE}</style></head><body><main>',
            f"<h1>{escape(title)}</h1>",
            *body,
            "</main></body></html>\n",
        )
    )


def _table(rows: tuple[Row, ...], *, head: bool = True) -> str:
    heading = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0]) if head else ""
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in others)}</tr>'
        for first, *others in (rows[1:] if head else rows)
    )
    return f"<table>{f'<tr>{heading}</tr>' if head else ''}{body}</table>"


def _map(what: str, week: Sequence[Sequence[float]], table: tuple[Row, ...], most: float) -> Iterator[str]:
    """Draw a week: the darker a block, the nearer it is to the most; each block says its figure."""
    (width, height), (heading, *rows) = _CELL, table
    yield _picture(f"{what}, by day and hours", _MARGIN + BLOCKS * width, (len(DAYS) + 1) * height)
    for place, hours in enumerate(heading[1:]):
        yield _words(_MARGIN + (place + 0.5) * width, 0.7 * height, hours)
    for line, (day, *cells) in enumerate(rows, 1):
        yield f'<text x="0" y="{(line + 0.7) * height}" font-size="14">{day}</text>'
        for place, (number, cell) in enumerate(zip(week[line - 1], cells, strict=True)):
            x, y, light = _MARGIN + place * width, line * height, 96 - 40 * number / most
            fill = f'fill="hsl(210 60% {light:.0f}%)" stroke="#fff"'
            yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" {fill}/>'
            yield _words(x + width / 2, y + 0.7 * height, cell)
    yield "</svg>"


def _bars(figures: Figures) -> Iterator[str]:
    """Draw the requests of each of the last years that says how many there were."""
    said = [(year.year, year.requests) for year in figures.years if year.requests is not None][-_YEARS:]
    if not said:
        return
    width, height, most = 80, 160, max(number for _, number in said)
    yield _picture("Requests by year", _YEARS * width, height + 50)
    for place, (year, number) in enumerate(said):
        x, tall = place * width, height * number / most
        y = height + 20 - tall
        yield f'<rect x="{x + 10}" y="{y:.0f}" width="{width - 20}" height="{tall:.0f}" fill="hsl(210 60% 36%)"/>'
        yield _words(x + width / 2, y - 5, str(number)) + _words(x + width / 2, height + 40, str(year))
    yield "</svg>"


def _picture(what: str, width: int, height: int) -> str:
    return f'<svg role="img" aria-label="{what}; the table below says the same" viewBox="0 0 {width} {height}">'


def _words(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="14" text-anchor="middle" fill="#1b1b1f">{escape(words)}</text>'


FORMATS: Final[Mapping[str, Callable[[Figures], str]]] = {"text": to_text, "csv": to_csv, "html": to_html}
"""What a report can be written as."""
