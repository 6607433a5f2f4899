"""What belongs together of the certificates."""

from collections.abc import Iterator

from vxland.config.document import Document
from vxland.config.errors import ConfigError

NEEDS = {
    "tls_cert": ("tls_key", "has no private key with it"),
    "tls_key": ("tls_cert", "has no certificate with it"),
    "tls_client_ca": ("tls_cert", "asks for certificates of clients without TLS"),
}


def certificates(document: Document) -> Iterator[ConfigError]:
    """A certificate and its key come together, and without them nobody is asked for one."""
    for key, (other, message) in NEEDS.items():
        place = document.places.get(("http", key))
        if place and document.named and ("http", other) not in document.places:
            yield place.error(message, f"Write {other} too", getattr(document.http, key))
