"""Certificate authorities for outgoing connections: the system's, and those of a hospital's own."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the operating system's authorities and those in `ca_file`.

    SSL_CERT_FILE and SSL_CERT_DIR replace the operating system's, which are read once: that takes longer than a press.

    Raises:
        OSError: The file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return _of_the_system(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=str(ca_file))
    # Python 3.13 demands extensions that many a hospital's authority, made years ago, does not have
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@lru_cache(maxsize=1)
def _of_the_system(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The context that Python makes under these settings; nobody changes it, so that sessions share it."""
    return ssl.create_default_context()
