"""The box pushes to the mini-program's door over real HTTP, in safe mode, as JSON and as XML."""

from typing import Any

import pytest
from sqlalchemy import text

from app.wiring import Parts
from tests.boxed import Boxed
from tests.live import Live


@pytest.fixture(autouse=True)
def running(parts: Parts, live: Live, box: Boxed) -> Any:
    """The house listens; the form of pushes is put back afterwards."""
    yield
    box.post("settings", mp_push_format="json")


def kept(parts: Parts) -> list[tuple[str, dict[str, Any]]]:
    with parts.tx() as session:
        rows = session.execute(
            text("select kind, detail from inbox where source = 'wechat.mp' order by received_at")
        )
        return [(row.kind, row.detail) for row in rows]


def verdicts(box: Boxed) -> list[str]:
    """What came of everything that was pushed."""
    told = box.get("deliveries?kind=push")["deliveries"]
    return [one["verdict"] for delivery in told for one in delivery["attempts"]]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_the_box_pushes_for_the_mini_program_is_proven_opened_and_kept_once(
    parts: Parts, box: Boxed, live: Live, form: str
) -> None:
    box.post("settings", mp_push_format=form)
    person = box.post("persons", name="lan")["person"]
    box.post("faults", kind="duplicate", what="trade_manage_*")
    trade = {
        "transaction_id": "4200000009",
        "merchant_id": "1",
        "merchant_trade_no": "P9",
        "pay_time": 1772337600,
    }
    settled = trade | {"settlement_time": 1772341200}
    revoked = {"OpenID": person["mp_openid"], "AppID": "wx", "RevokeInfo": "8"}
    box.post("events", app="mp", event="trade_manage_order_settlement", fields=settled)
    box.post("events", app="mp", event="user_authorization_revoke", person=person["id"], fields=revoked)
    box.post("events", app="mp", event="brand_new", fields={"what": "?"})
    said = box.post(f"persons/{person['id']}/mp/say", text="在吗")
    assert said["delivery"]["verdict"] == "encrypted reply"
    live.wait_for(lambda: len(verdicts(box)) == 5)
    assert sorted(verdicts(box)) == ["encrypted reply"] + ["success"] * 4
    found = dict(kept(parts))
    assert sorted(found) == ["ConsentRevoked", "Said", "Settlement", "event.brand_new"]
    assert len(kept(parts)) == 4
    assert found["Settlement"]["settled_at"] == "2026-03-01T05:00:00+00:00"
    assert found["event.brand_new"]["raw"]["what"] == "?"


def test_a_door_with_another_token_is_refused_by_the_console(box: Boxed, live: Live) -> None:
    check = box.post("settings", mp_callback_url=f"{live.url}/callbacks/wechat/mp")["mp_callback_check"]
    assert check["ok"] is True
    wrong = box.post("settings", mp_callback_url=f"{live.url}/callbacks/wechat/oa")["mp_callback_check"]
    assert wrong["ok"] is False
    box.post("settings", mp_callback_url=f"{live.url}/callbacks/wechat/mp")
