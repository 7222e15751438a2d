"""Where a model provider may be reached, and which key may be sent there.

A key in the wrong hands is the worst that a configuration can cause, so these rules are strict: a base URL is plain
http or https without tricks, never a cloud's metadata address; http without TLS stays inside the machine or the local
network; and the key of a well-known provider goes to that provider's hosts, or where the user points that provider.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Reach = Literal["loopback", "private", "public"]


@dataclass(frozen=True)
class Owner:
    """Whose key a variable holds: ``providers`` may use it anywhere, any provider may send it to ``hosts``."""

    providers: tuple[str, ...]
    hosts: tuple[str, ...]


KEY_OWNERS = {
    "OPENAI_API_KEY": Owner(("openai",), ("openai.com",)),
    "ANTHROPIC_API_KEY": Owner(("claude", "anthropic"), ("anthropic.com",)),
    "COHERE_API_KEY": Owner(("cohere",), ("cohere.com", "cohere.ai")),
    "DEEPSEEK_API_KEY": Owner(("deepseek",), ("deepseek.com",)),
    "FIREWORKS_API_KEY": Owner(("fireworks",), ("fireworks.ai",)),
    "GEMINI_API_KEY": Owner(("gemini", "google"), ("googleapis.com",)),
    "GOOGLE_API_KEY": Owner(("gemini", "google"), ("googleapis.com",)),
    "GROQ_API_KEY": Owner(("groq",), ("groq.com",)),
    "MISTRAL_API_KEY": Owner(("mistral",), ("mistral.ai",)),
    "OPENROUTER_API_KEY": Owner(("openrouter",), ("openrouter.ai",)),
    "PERPLEXITY_API_KEY": Owner(("perplexity",), ("perplexity.ai",)),
    "TOGETHER_API_KEY": Owner(("together",), ("together.xyz", "together.ai")),
    "XAI_API_KEY": Owner(("xai",), ("x.ai",)),
}
"""Variables that are known to hold the key of one provider."""

CLOUD_PROVIDERS = frozenset({name for owner in KEY_OWNERS.values() for name in owner.providers})

_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,62}(?:KEY|TOKEN)")
_FOREIGN_KEYS = re.compile(
    r"(?:SMAKER|AWS|GIT|GITHUB|GH|GITLAB|GL|CI|NPM|PYPI|TWINE|UV|SSH|GPG|STRIPE|SLACK|TWILIO|SENDGRID|DOCKER|VAULT|"
    r"KUBE|DJANGO|FLASK|JWT|SECRET|SESSION|DB|DATABASE)_.*"
)
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
_METADATA_ADDRESSES = frozenset({"169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"})
_LOCAL_SUFFIXES = (".local", ".lan", ".internal", ".intranet", ".home.arpa", ".localdomain", ".test")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def check_key_name(name: str) -> str:
    """Return ``name`` if a provider's key may be read from that variable; raises ValueError (which never quotes it)."""
    if not _KEY_NAME.fullmatch(name):
        raise ValueError("must name an environment variable that holds an API key, such as OPENAI_API_KEY")
    if _FOREIGN_KEYS.fullmatch(name):
        raise ValueError(f"{name} is not the key of a model provider; it is never sent to one")
    return name


def check_base_url(url: str) -> str:
    """Return ``url`` if a model may be reached there; raises ValueError."""
    if len(url) > 500 or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("must be a plain URL: short, no blanks, backslashes, control or non-ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from error
    if parts.scheme not in {"http", "https"}:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password: name a variable in api_key_env instead")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("must not have a query (?) or fragment (#)")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("has no usable port")
    reach = _reach(parts.hostname or "")
    if parts.scheme == "http" and reach == "public":
        raise ValueError("must use https:// outside of this machine and the local network")
    return url


def key_problem(provider: str, key: str | None, base_url: str | None) -> tuple[str, str] | None:
    """Return (setting, what is wrong) if ``provider`` would send its key, or prompts, to the wrong place."""
    host = urlsplit(base_url).hostname or "" if base_url else ""
    reach = _reach(host) if host else "public"
    if base_url and base_url.startswith("http://") and reach != "loopback" and provider in CLOUD_PROVIDERS:
        return (
            "base_url",
            f"must use https://: {provider} is a cloud provider, and its key would cross the network openly",
        )
    owner = KEY_OWNERS.get(key or "")
    if owner is None or provider in owner.providers or reach == "loopback":
        return None
    if any(host == suffix or host.endswith(f".{suffix}") for suffix in owner.hosts):
        return None
    home = f"https://….{owner.hosts[0]}"
    return "api_key_env", (
        f"{key} is the key of {owner.providers[0]} and is sent only to {home}, not to {host or 'another provider'}; "
        "give this provider a variable of its own"
    )


def _reach(host: str) -> Reach:
    """How far away ``host`` is. Raises ValueError for hosts that nothing may be sent to."""
    host = host.lower()
    if ":" in host:
        try:
            return _address_reach(ipaddress.IPv6Address(host))
        except ipaddress.AddressValueError as error:
            raise ValueError("has no valid IPv6 address") from error
    if not _HOST_NAME.fullmatch(host) or len(host) > 253:
        raise ValueError("has no valid host name")
    labels = host.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        try:
            return _address_reach(ipaddress.IPv4Address(host))
        except ipaddress.AddressValueError as error:
            raise ValueError("must write an IP address as four plain decimal numbers") from error
    if host in _METADATA_NAMES or "169.254." in host or "169-254-" in host:
        raise ValueError("points at a cloud's metadata service")
    if host == "localhost" or host.endswith(".localhost"):
        return "loopback"
    return "private" if len(labels) == 1 or host.endswith(_LOCAL_SUFFIXES) else "public"


def _address_reach(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Reach:
    if isinstance(address, ipaddress.IPv6Address):
        embeds = address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
        if embeds or address.scope_id or (int(address) >> 32 == 0 and int(address) > 1):
            raise ValueError("must not wrap an IPv4 address in an IPv6 address")
    if address.is_link_local or str(address) in _METADATA_ADDRESSES:
        raise ValueError("points at a cloud's metadata service or the local link")
    if address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback):
        raise ValueError("is not the address of a host")
    if address.is_loopback:
        return "loopback"
    return "public" if address.is_global else "private"
