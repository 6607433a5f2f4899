"""The certificates in their files, and those that take their place."""

import contextlib
import os
import ssl
import stat

from vxland.http.exposure import exposures


class Unusable(Exception):
    """Something that can't be had: why, and what to do."""


class Certificates:
    """What a TLS handshake needs, as the files have it. Raises Unusable."""

    def __init__(self, certificate: str, key: str, client_ca: str | None) -> None:
        self._files = {"tls_cert": certificate, "tls_key": key}
        if client_ca:
            self._files["tls_client_ca"] = client_ca
        self._refused: Unusable | None = None
        self._seen = self._look()
        self.context = self._load()  # for handshakes from now on; read by the server's thread

    def warnings(self) -> tuple[str, ...]:
        """What others could do to the files now: a folder may change without them."""
        files = self._files.items()
        return tuple(warning for name, path in files for warning in exposures(name, path))

    def renew(self) -> None:
        """Take up files that have changed. Raises Unusable: those from before stay in use."""
        seen = self._look()
        if seen != self._seen:
            self._seen, self._refused = seen, None
            try:
                self.context = self._load()
            except Unusable as error:
                self._refused = error
        if self._refused:
            raise self._refused

    def _look(self) -> tuple[tuple[int, ...] | None, ...]:
        return tuple(map(_identity, self._files.values()))

    def _load(self) -> ssl.SSLContext:
        for name, path in self._files.items():
            _read(name, path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        certificate, key = self._files["tls_cert"], self._files["tls_key"]
        try:
            context.load_cert_chain(certificate, key, _no_passphrase)
        except _Passphrase:
            raise Unusable(
                f"{key} (tls_key in [http]) has a passphrase, and nobody is there to type it."
                f" Write it without one: openssl pkey -in {key}"
            ) from None
        except (ssl.SSLError, OSError) as error:
            raise Unusable(
                f"{certificate} (tls_cert in [http]) can't be used with {key} (tls_key):"
                f" {_reason(error)}. Put a certificate and its own key there, both as PEM"
            ) from None
        if client_ca := self._files.get("tls_client_ca"):
            try:
                context.load_verify_locations(client_ca)
            except (ssl.SSLError, OSError) as error:
                raise Unusable(
                    f"{client_ca} (tls_client_ca in [http]) can't be used: {_reason(error)}."
                    " Put the certificate there that signed the clients', as PEM"
                ) from None
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _read(name: str, path: str) -> None:
    """Raises Unusable where it can't be."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unusable(
                    f"{path} ({name} in [http]) is no file. Put one there, or change {name}"
                )
            file.read(1)
    except OSError as error:
        cure = f"Let the service read it: chgrp vxland {path} && chmod 640 {path}"
        if not isinstance(error, PermissionError):
            cure = f"Put it there, or change {name}"
        raise Unusable(
            f"{path} ({name} in [http]) can't be read: {error.strerror}. {cure}"
        ) from None


def _at_once(path: str, flags: int) -> int:
    """Without waiting until somebody writes into a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK)


class _Passphrase(Exception):
    """The key has one."""


def _no_passphrase() -> str:
    raise _Passphrase


def _reason(error: OSError) -> str:
    """OpenSSL's own words, where it has some."""
    reason = getattr(error, "reason", None) or error.strerror or str(error)
    return reason.lower().replace("_", " ")


def _identity(path: str) -> tuple[int, ...] | None:
    """What is another one when the file is; None where there is none to be seen."""
    with contextlib.suppress(OSError):
        found = os.stat(path)  # noqa: PTH116 - as little as possible, after every turn
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return None
