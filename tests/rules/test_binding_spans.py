"""BND-4 as a pure rule: from when on another clerk's touch takes a member over."""

from datetime import datetime

import pytest

from app.attribution.binding_terms import Terms, check
from app.attribution.rules import SERVES, Serving, Spans, opens_at
from app.base.clock import SHANGHAI
from app.base.errors import Invalid
from models.attribution import TouchKind

SPANS = Spans(30, 180, {"jewellery": 365, "home": 365})


def local(day: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("serving", "opens"),
    [
        # Bound on 03-01: protected until the end of 03-31 (BND-10).
        (Serving(1, local("2026-03-01")), "2026-04-01"),
        (Serving(1, local("2026-03-01", 23)), "2026-04-01"),
        (Serving(None, local("2026-03-01")), "2026-04-01"),
        # Served or bought on 03-10: 180 days end with 09-06.
        (Serving(1, local("2026-03-01"), served_at=local("2026-03-10")), "2026-09-07"),
        (Serving(1, local("2026-03-01"), bought_at={"apparel": local("2026-03-10")}), "2026-09-07"),
        # Jewellery and things for the home are bought seldom: 365 days.
        (Serving(1, local("2026-03-01"), bought_at={"jewellery": local("2026-03-10")}), "2027-03-11"),
        (
            Serving(
                1, local("2026-03-01"), bought_at={"home": local("2026-03-10"), "wine": local("2026-08-01")}
            ),
            "2027-03-11",
        ),
        # Activity that ended before the protection did changes nothing.
        (Serving(1, local("2026-03-01"), bought_at={"wine": local("2025-01-01")}), "2026-04-01"),
        # A pool has no clerk who could be active.
        (Serving(None, local("2026-03-01"), bought_at={"wine": local("2026-03-20")}), "2026-04-01"),
    ],
)
def test_bnd_4_protected_30_days_then_open_after_180_or_365_days_of_silence(
    serving: Serving, opens: str
) -> None:
    assert opens_at(serving, SPANS) == local(opens, 0)


def test_bnd_4_the_figures_are_the_sheets_and_stand_in_one_place() -> None:
    terms = Terms()
    assert (terms.protect_days, terms.inactive_days) == (30, 180)
    assert [terms.days_of(c) for c in ("jewellery", "home", "apparel")] == [365, 365, 180]
    assert (terms.choice_days, terms.transfers, terms.transfer_days, terms.refuse_hours) == (30, 2, 90, 24)
    assert (terms.bounty_on, terms.bounty_fen, terms.bounty_per_day) == (False, 200, 20)
    assert (terms.bounty_after_days, terms.bounty_freeze_days) == (7, 7)
    assert terms.material_minutes == 120


def test_bnd_4_scans_and_reading_are_no_service() -> None:
    assert {TouchKind.CHAT, TouchKind.PICKUP_VERIFY, TouchKind.ASSISTED_ORDER, TouchKind.BOOKING} <= SERVES
    assert not SERVES & {
        TouchKind.SCAN,
        TouchKind.SUBSCRIBE_SCAN,
        TouchKind.SHARE_CLICK,
        TouchKind.CONTENT_READ,
    }


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"protect_days": -1}, "protect_days"),
        ({"protect_days": True}, "protect_days"),
        ({"inactive_days": 1.5}, "inactive_days"),
        ({"transfer_days": 0}, "transfer_days"),
        ({"bounty_on": 1}, "bounty_on"),
        ({"bounty_fen": 20_001}, "bounty_fen"),
        ({"inactive_by_category": {"wine": "365"}}, "inactive_by_category"),
        ({"inactive_by_category": [365]}, "inactive_by_category"),
        ({"downline_days": 3}, "downline_days"),
    ],
)
def test_terms_that_make_no_sense_name_their_field(params: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(params)
    assert set(refused.value.fields) == {field}
