"""Checks the machine: Python, the user, resource limits, memory that may reach a disk, time zones, and trusted CAs."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import ssl
import sys
import zoneinfo
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Final

from bot.health import Finding

PYTHON_ENDS: Final = {
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
    (3, 14): date(2030, 10, 31),
}
"""When each version gets its last security fix (https://devguide.python.org/versions/)."""
MIN_OPEN_FILES: Final = 1024
"""Each connection to a platform, and each request, needs an open file."""
_ZONE_YEARS: Final = 2  # for which time zone data is current enough: some government changes its zone every year
_PR_SET_DUMPABLE: Final = 4  # prctl(2)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine is like.

    Attributes:
        python: the version, as major and minor.
        is_root: whether we run as root.
        files: how many files may be open at once; -1 for any number.
        dumps: whether a crash may write memory to a file.
        swaps: whether memory may be written to a disk.
        zones: the year of its time zone data; 0 where it does not say, None where there is none.
        trusts: whether it trusts any certificate authority at all.
    """

    python: tuple[int, int]
    is_root: bool
    files: int
    dumps: bool
    swaps: bool
    zones: int | None
    trusts: bool


def inspect() -> Machine:
    """Return what this machine is like; changes nothing."""
    return Machine(
        python=sys.version_info[:2],
        is_root=os.geteuid() == 0,
        files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        dumps=not _can_forbid_dumps() and resource.getrlimit(resource.RLIMIT_CORE)[0] != 0,
        swaps=_swaps(),
        zones=_zones(),
        trusts=_trusts(),
    )


def forbid_dumps() -> None:
    """Keep a crash of this process from writing its memory to a file, whatever the machine allows."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _can_forbid_dumps():
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _can_forbid_dumps() -> bool:
    return sys.platform == "linux"


def _swaps(swaps: Path = Path("/proc/swaps"), group: Path = Path("/proc/self/cgroup")) -> bool:
    """Return whether this process may be swapped to a disk; zram, which compresses into memory, is none."""
    try:
        names = [line.split()[0] for line in swaps.read_text("ascii").splitlines()[1:] if line.split()]
    except OSError:
        return False
    if all("zram" in name for name in names):
        return False
    with suppress(OSError, IndexError):
        own = group.read_text("ascii").strip().rpartition("::")[2]
        return (Path("/sys/fs/cgroup") / own.lstrip("/") / "memory.swap.max").read_text("ascii").strip() != "0"
    return True


def _zones() -> int | None:
    """Return the year of the time zone data that Python reads: the machine's, else that of the package tzdata."""
    try:
        zoneinfo.ZoneInfo("America/Chicago")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "America" / "Chicago").is_file():
            return _year(folder)
    with suppress(metadata.PackageNotFoundError):
        return int(metadata.version("tzdata").partition(".")[0])
    return 0


def _year(folder: Path) -> int:
    """Return the year in which the machine's time zone data was published, or 0 where it does not say."""
    for name in ("tzdata.zi", "+VERSION"):
        with suppress(OSError, UnicodeDecodeError):
            found = re.search(r"20\d\d", (folder / name).read_text("utf-8")[:40])
            if found:
                return int(found[0])
    return 0


def _trusts() -> bool:
    context = ssl.create_default_context()
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = os.environ.get("SSL_CERT_DIR") or ssl.get_default_verify_paths().openssl_capath
    return Path(folder).is_dir() and any(Path(folder).iterdir())  # certificates there are read when they are needed


# ---------------------------------------------------------------- what it means


def findings(machine: Machine, today: date) -> Iterator[Finding]:
    """Yield what was found, in the order it is shown."""
    yield _python(machine, today)
    yield _user(machine)
    yield _files(machine)
    yield _memory(machine)
    yield _zone_data(machine, today)
    yield _trust(machine)


def _python(machine: Machine, today: date) -> Finding:
    name = ".".join(map(str, machine.python))
    if PYTHON_ENDS.get(machine.python, date.max) >= today:
        return Finding("python", "ok", f"Python {name} still gets security fixes.")
    return Finding(
        "python",
        "warn",
        f"Python {name} gets no security fixes any more.",
        "Install the programme with a newer Python.",
    )


def _user(machine: Machine) -> Finding:
    if not machine.is_root:
        return Finding("user", "ok", "This does not run as root.")
    return Finding(
        "user",
        "warn",
        "This runs as root, who may do everything on this machine.",
        "Give the service a user of its own, and run the doctor as that user (docs/operating.md).",
    )


def _files(machine: Machine) -> Finding:
    if machine.files == resource.RLIM_INFINITY or machine.files >= MIN_OPEN_FILES:
        return Finding("open-files", "ok", "Enough files and connections may be open at once.")
    return Finding(
        "open-files",
        "warn",
        f"Only {machine.files} files and connections may be open at once.",
        f"Allow at least {MIN_OPEN_FILES}: LimitNOFILE in the unit, or `ulimit -n`.",
    )


def _memory(machine: Machine) -> Finding:
    if machine.dumps:
        return Finding(
            "memory",
            "warn",
            "A crash may write what is in memory to a file.",
            "Forbid core dumps: LimitCORE=0 in the unit, or `ulimit -c 0`.",
        )
    if machine.swaps:
        return Finding(
            "memory",
            "warn",
            "What is in memory may be written to this machine's swap.",
            "Set MemorySwapMax=0 in the unit, or let the machine swap only to an encrypted device.",
        )
    return Finding("memory", "ok", "What is in memory is written to no file.")


def _zone_data(machine: Machine, today: date) -> Finding:
    if machine.zones is None:
        return Finding(
            "time-zones", "fail", "This machine has no time zone data.", "Install tzdata: the system's, or with pip."
        )
    if machine.zones and machine.zones < today.year - _ZONE_YEARS:
        return Finding(
            "time-zones",
            "warn",
            f"The time zone data of this machine is of {machine.zones}; some countries have changed their zones since.",
            "Upgrade tzdata: the system's, or with pip.",
        )
    return Finding("time-zones", "ok", "The time zone data is current enough.")


def _trust(machine: Machine) -> Finding:
    if machine.trusts:
        return Finding("trust-store", "ok", "This machine trusts certificate authorities.")
    return Finding(
        "trust-store",
        "fail",
        "This machine trusts no certificate authority, so no platform can be reached.",
        "Install the system's ca-certificates, or name a bundle in SSL_CERT_FILE.",
    )
