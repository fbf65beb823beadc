"""Signs a webhook as Standard Webhooks has it, so that a receiver knows who sent it and drops what it has. Pure.

Source: Standard Webhooks 1.0 (standardwebhooks.com), "Webhook headers" and "Symmetric signatures".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from tasks.notify.target import PREFIX

if TYPE_CHECKING:
    from tasks.secret import Secret


def headers(message_id: str, at_s: int, body: bytes, secret: Secret) -> dict[str, str]:
    """The headers of a POST of `body` at `at_s` seconds since 1970; without a signature when the secret is empty."""
    found = {"webhook-id": message_id, "webhook-timestamp": str(at_s)}
    if secret:
        found["webhook-signature"] = f"v1,{_signature(message_id, at_s, body, secret)}"
    return found


def _signature(message_id: str, at_s: int, body: bytes, secret: Secret) -> str:
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    signed = f"{message_id}.{at_s}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
