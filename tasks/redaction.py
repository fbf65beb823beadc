"""Takes secrets out of whatever is written for people or programs to read. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK: Final = "•••"  # stands where a secret was

_SHORTEST_SECRET: Final = 4  # characters; a shorter one would blot out ordinary words
_KEY_IN_URL: Final = re.compile(r"(key=)[^&\s\"'<>]+")


class Redactor:
    """Replaces every secret by `MASK`: as it is, as a URL spells it, and as JSON does, in ASCII or not."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Blot `secret` out from now on; a secret of fewer than four characters is left alone."""
        if len(secret) < _SHORTEST_SECRET:
            return
        # Bytes of an environment that are not UTF-8 are surrogates here.
        forms = {secret, quote(secret, safe="", errors="surrogatepass"), quote_plus(secret, errors="surrogatepass")}
        for _ in range(2):  # twice: a message that quotes JSON is written as JSON
            forms |= {json.dumps(form, ensure_ascii=in_ascii)[1:-1] for form in forms for in_ascii in (True, False)}
        self._forms = sorted({*self._forms, *forms}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return `text` without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def clean_bytes(self, body: bytes) -> bytes:
        """Return `body`, which is text in UTF-8, without secrets."""
        for form in self._forms:
            body = body.replace(form.encode(errors="surrogatepass"), MASK.encode())
        return body


def mask_url_keys(text: str) -> str:
    """Return `text` with each parameter `key` of a URL masked, whether or not the key is known."""
    return _KEY_IN_URL.sub(rf"\1{MASK}", text)
