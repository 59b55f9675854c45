"""Certificate authorities for outgoing connections: the system's, and those of a hospital's own."""

from __future__ import annotations

import ssl
from pathlib import Path


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the operating system's authorities and those in `ca_file`.

    SSL_CERT_FILE and SSL_CERT_DIR replace the operating system's.

    Raises:
        OSError: The file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
        # Python 3.13 demands extensions that many a hospital's authority, made years ago, does not have
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
