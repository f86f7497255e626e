"""What a fault does to the content of a payment notice before it is sealed; pushes are bent when they are sent."""

import json
from typing import Any

FOREIGN_APPID = "wx0000000000000000"
_AMOUNTS = ("total", "refund", "total_amount", "transfer_amount", "amount")


def bent(payload: Any, marks: set[str]) -> Any:
    """The payload with wrong amount, foreign appid, SIGNTEST probe or wrong signature as the marks say; what is
    no notice stays as it is."""
    if not isinstance(payload, dict) or "content" not in payload or not isinstance(payload["content"], dict):
        return payload
    bent_one: dict[str, Any] = json.loads(json.dumps(payload))
    content = bent_one["content"]
    if "wrong_amount" in marks:
        _one_fen_more(content)
    if "foreign_appid" in marks:
        for name in ("appid", "combine_appid"):
            if name in content:
                content[name] = FOREIGN_APPID
    bent_one["probe"] = bool(bent_one.get("probe")) or "signtest" in marks
    bent_one["wrong_signature"] = bool(bent_one.get("wrong_signature")) or "wrong_signature" in marks
    return bent_one


def _one_fen_more(content: dict[str, Any]) -> None:
    where = content.get("amount", content)
    if content.get("sub_orders"):
        where = content["sub_orders"][0].get("amount", {})
    if not isinstance(where, dict):
        where = content
    for name in _AMOUNTS:
        if isinstance(where.get(name), int):
            where[name] += 1
            return
