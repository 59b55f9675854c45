"""Whom we believe when we call out: the system's authorities, and beside them those of a hospital's own."""

from __future__ import annotations

import ssl
from pathlib import Path


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The operating system's authorities (SSL_CERT_FILE and SSL_CERT_DIR name others), and those in the file.

    Raises OSError where the file cannot be read, or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
        # From 3.13 on Python wants of an authority what many a hospital's own, made years ago, does not say
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
