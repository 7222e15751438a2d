"""What can go wrong with one call, by what is to be done about it.

::

    ModelFault            something went wrong with one call of one provider
    ├── Passing           ask the same provider again, a little later; then the next one
    ├── Broken            this provider cannot, and asking it again soon would not help: the next one
    └── Unusable          the question or the answer cannot be used, whoever is asked: the step fails

None of them leaves this room: Unusable becomes ModelError, and when no provider is left Passing and Broken become
Unavailable, on which a build pauses. Their text holds no key: it was masked where it came from outside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from pydantic import JsonValue

AUTH = "E_MODEL_AUTH"
UNKNOWN = "E_MODEL_UNKNOWN"
LONGEST_WAIT_S = 60.0
"""A provider that wants more patience than this is passed over."""


class ModelFault(Exception):
    """Something went wrong with one call; ``why`` goes on from the provider's name ("openai …")."""

    def __init__(self, why: str, *, code: str = "E_UNAVAILABLE") -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class Passing(ModelFault):
    """Trouble that may pass. ``wait_s`` is how long the provider asks to be left alone; ``slow``: it took its time."""

    def __init__(self, why: str, *, wait_s: float | None = None, slow: bool = False) -> None:
        super().__init__(why)
        self.wait_s = wait_s
        self.slow = slow


class Broken(ModelFault):
    """This provider cannot answer; ``wait_s`` is for how long, where it said so."""

    def __init__(self, why: str, *, code: str = "E_UNAVAILABLE", wait_s: float | None = None) -> None:
        super().__init__(why, code=code)
        self.wait_s = wait_s


class Unusable(ModelFault):
    """Asking again, here or elsewhere, would not help."""


# What providers write where they say no. Statuses alone do not tell: a full context, a missing model, an empty account
# and a wrong key all come as 400 somewhere.
_CONTEXT = re.compile(
    r"context.{0,30}(?:length|window|size|limit)|(?:prompt|input|request|message).{0,20}too (?:long|large)|"
    r"too many (?:input )?tokens|exceeds? the (?:available )?context|maximum.{0,20}tokens|request_too_large",
    re.IGNORECASE | re.DOTALL,
)
_KEY = re.compile(r"api.?key|authenticat|unauthori[sz]ed", re.IGNORECASE)
_MODEL = re.compile(
    r"model.{0,120}(?:not (?:be )?found|not exist|unknown|not available|not supported|no access)|"
    r"(?:unknown|no such|invalid) model|not a valid model|model_not_found|try pulling it",
    re.IGNORECASE | re.DOTALL,
)
_MONEY = re.compile(
    r"insufficient.?(?:quota|balance|funds)|credit balance|exceeded your current quota|billing", re.IGNORECASE
)
_FILTER = re.compile(r"content.?(?:filter|policy|management)|safety system|responsible ai", re.IGNORECASE)
_ABILITY = re.compile(r"(?:does not|doesn't|not) support|unsupported", re.IGNORECASE)

_NAMED_STATUS = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "insufficient_quota": 402,
    "billing_error": 402,
}


def refusal(status: int, text: str, wait_s: float | None = None) -> ModelFault:
    """Return what a refusal means. ``text`` is what the provider wrote, masked and short."""
    said = f": {text}" if text else ""
    if status == 401 or (status == 400 and _KEY.search(text)):
        return Broken(f"refuses the key (HTTP {status}){said}", code=AUTH)
    if status == 402 or _MONEY.search(text):
        return Broken(f"wants to be paid (HTTP {status}){said}")
    if status == 403:
        return Broken(f"does not allow this (HTTP 403){said}", code=AUTH)
    if 300 <= status < 400:
        return Broken(
            f"points elsewhere (HTTP {status}), and prompts are sent nowhere but to the address that is configured"
        )
    if status == 429:
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return Broken(f"has had too many requests, and asks to wait {wait_s:.0f} s (HTTP 429)", wait_s=wait_s)
        return Passing(f"has had too many requests (HTTP 429){said}", wait_s=wait_s)
    too_long = _CONTEXT.search(text) is not None
    if status in {408, 409, 425} or (status >= 500 and not (status == 500 and too_long)):  # llama.cpp says it with 500
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return Broken(f"is out of order, and asks to wait {wait_s:.0f} s (HTTP {status})", wait_s=wait_s)
        return Passing(f"is out of order (HTTP {status}){said}", wait_s=wait_s)
    if status == 413 or too_long:
        return Unusable(
            f"says that the question is too long for the model (HTTP {status}){said}", code="E_MODEL_CONTEXT"
        )
    if status == 404 or _MODEL.search(text):
        return Broken(f"does not know the model, or the address is wrong (HTTP {status}){said}", code=UNKNOWN)
    if _FILTER.search(text):
        return Unusable(f"declines to answer (HTTP {status}){said}", code="E_MODEL_FILTERED")
    if _ABILITY.search(text):
        return Broken(f"cannot do what was asked (HTTP {status}){said}")
    return Unusable(f"does not accept the question (HTTP {status}){said}", code="E_MODEL_REQUEST")


def named_status(error: JsonValue) -> tuple[int, str]:
    """Return the status that an error object stands for, and its words. 500 where it names none that is known."""
    if not isinstance(error, dict):
        return 500, str(error)
    words = str(error.get("message") or error.get("type") or error)
    for key in ("code", "type", "status"):
        value = error.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value, words
        if isinstance(value, str) and value in _NAMED_STATUS:
            return _NAMED_STATUS[value], words
    return 500, words


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or a date; None where it asks for none."""
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
            seconds = (at - now).total_seconds() if at.tzinfo else math.nan
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
