"""Explains connections that fail because of proxy or certificate settings in the environment, naming the variable."""

from __future__ import annotations

import os
import re
import ssl
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from explorer.errors import HubError

_NO_CERTIFICATE = re.compile("X509|PEM|no certificate", re.IGNORECASE)
_NOT_CONNECTED = ("ProxyError", "ConnectError", "ConnectTimeout", "URLError")
"""Classes of httpx and urllib, by name: httpx is not imported for this."""


class BlockedError(HubError):
    """A connection that a setting in the environment prevents; the sentence names the variable."""


def blamed(error: BaseException, url: str) -> str:
    """Returns the setting in the environment that made `url` unreachable, as the rest of a sentence, or ""."""
    errors = _chain(error)
    return _certificates(errors) or _proxy(errors, url)


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error, its cause, the cause's cause, and so on."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        reason = getattr(error, "reason", None)  # of a URLError
        error = error.__cause__ or error.__context__ or (reason if isinstance(reason, BaseException) else None)
    return chain


def _certificates(errors: list[BaseException]) -> str:
    untrusted = any("CERTIFICATE_VERIFY_FAILED" in str(each) for each in errors)
    file = os.environ.get("SSL_CERT_FILE", "")
    if file and not os.path.isfile(file):
        if untrusted or any(isinstance(each, FileNotFoundError | IsADirectoryError | ssl.SSLError) for each in errors):
            return f"SSL_CERT_FILE names {file}, which is not a file; correct or unset it"
    elif file:
        empty = any(isinstance(each, ssl.SSLError) and _NO_CERTIFICATE.search(str(each)) for each in errors)
        if empty or any(isinstance(each, PermissionError) for each in errors):
            return f"SSL_CERT_FILE names {file}, in which no certificate can be read; correct or unset it"
    if file and untrusted:
        return f"SSL_CERT_FILE names {file}, which holds no certificate that this server has; correct or unset it"
    folder = os.environ.get("SSL_CERT_DIR", "")
    if not untrusted:
        return ""
    if folder:
        return f"SSL_CERT_DIR names {folder}, which holds no certificate that this server has; correct or unset it"
    return (
        "the certificate of the server, or of a proxy before it, is not trusted; set SSL_CERT_FILE to a file with the "
        "certificates of your network"
    )


def _proxy(errors: list[BaseException], url: str) -> str:
    named = proxy_variable(url)
    if named is None:
        return ""
    variable, address = named
    words = " ".join(str(each) for each in errors)
    if address.startswith("socks") and any(type(each).__name__ == "URLError" for each in errors):
        return f"{variable} names a SOCKS proxy, which these downloads do not speak; unset it or use a browser"
    if any(isinstance(each, ImportError) for each in errors) and "SOCKS" in words:
        return f"{variable} names a SOCKS proxy, for which a package is missing; run `pip install socksio` or unset it"
    if "Unknown scheme for proxy" in words or "unknown url type" in words:
        return f"{variable} names a proxy of a kind that is not known, {address}; correct or unset it"
    if any(type(each).__name__ == "InvalidURL" for each in errors):
        return f"{variable} names {address}, which is not the address of a proxy; correct or unset it"
    failed = any(type(each).__name__ in _NOT_CONNECTED or isinstance(each, ConnectionError) for each in errors)
    if failed or "Tunnel connection failed" in words:
        said = next((str(each) for each in errors if not str(each).startswith("<")), str(errors[0]))
        reason = " ".join(said.split())[:100].rstrip(" .:;")
        return f"the proxy {address} that {variable} names does not let it through ({reason}); correct or unset it"
    return ""


def proxy_variable(url: str) -> tuple[str, str] | None:
    """Returns the variable with an address's proxy, and the proxy without user and password; None without a proxy."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if value := os.environ.get(variable, ""):
                return variable, re.sub(r"//[^/]*@", "//", value)
    return None
