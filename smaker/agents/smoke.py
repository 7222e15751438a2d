"""Smoke tests over the network: what the plan says can be asked for is asked for, where the software was deployed."""

from __future__ import annotations

import re
import urllib.parse

from smaker.core.errors import Unavailable
from smaker.core.http_probe import http_get
from smaker.core.models import Finding
from smaker.core.spec import ProductKind, Spec

MOST = 30
ANSWER_S = 10.0

_READ = re.compile(r"^GET (/[\w/.-]*)(?=$|[\s?])")


async def smoke_test(url: str, spec: Spec) -> list[Finding]:
    """Ask for the front page of what has one, and for each interface of the plan that is read without an id; return
    what is missing or answers with an error of the server. That it asks who is there is an answer."""
    port = urllib.parse.urlsplit(url).port or 80
    paths = ["/"] if spec.kind in {ProductKind.WEB, ProductKind.SITE} else []
    paths += [match[1] for interface in spec.interfaces if (match := _READ.match(interface))]
    found: list[Finding] = []
    for path in [*dict.fromkeys(paths)][:MOST]:
        try:
            status, body = await http_get(port, path, timeout_s=ANSWER_S)
        except Unavailable as error:
            found.append(_wrong(path, "an answer", error.message, ""))
            continue
        if status == 404 or status >= 500:
            found.append(_wrong(path, "below 500, and not 404", str(status), body[:2000].decode("utf-8", "replace")))
    return found


def _wrong(path: str, expected: str, seen: str, evidence: str) -> Finding:
    return Finding(
        source="deploy",
        message=f"Deployed, GET {path} answers {seen}",
        expected=expected,
        seen=seen,
        evidence=evidence,
        signature=f"E_DEPLOY_SMOKE:{path}",
    )
