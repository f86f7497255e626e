"""Disputes and findings, pure: windows, heirs of a row, stretches of evidence, thresholds on both sides."""

from datetime import UTC, datetime, timedelta

import pytest

from app.review import rules
from app.review.rules import Item
from models.commission import PartyKind, Role

ORDERED = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HQ = "entity:E-HQ"


def test_dsp1_an_order_is_disputed_until_the_thirtieth_day_is_over() -> None:
    # 2 March + 30 days = 1 April, until 24:00 in Shanghai.
    assert rules.disputable_until(ORDERED, []) == datetime(2026, 4, 1, 16, 0, tzinfo=UTC)


def test_dsp1_or_until_the_seventh_day_after_its_last_statement_is_over() -> None:
    published = [datetime(2026, 4, 10, 2, tzinfo=UTC), datetime(2026, 5, 10, 2, tzinfo=UTC)]
    assert rules.disputable_until(ORDERED, published) == datetime(2026, 5, 17, 16, 0, tzinfo=UTC)
    early = [datetime(2026, 3, 10, 2, tzinfo=UTC)]
    assert rules.disputable_until(ORDERED, early) == datetime(2026, 4, 1, 16, 0, tzinfo=UTC)


def test_dsp1_evidence_is_taken_for_five_days() -> None:
    assert rules.evidence_until(ORDERED) == datetime(2026, 3, 7, 16, 0, tzinfo=UTC)


def test_dsp1_a_row_of_the_claimed_role_goes_to_the_heirs_whole() -> None:
    heirs = [("clerk:A", 6000), ("clerk:B", 4000)]
    assert rules.heirs_of_share({}, Role.SELL_CLERK, "clerk:C", heirs) == heirs


def test_spl5_head_office_gives_up_only_what_it_held_for_the_claimed_role() -> None:
    held = {Role.ACQ_CLERK: 3000, Role.ACQ_STORE: 1500}
    found = rules.heirs_of_share(held, Role.ACQ_CLERK, HQ, [("clerk:A", 10000)])
    assert found == [("clerk:A", 30_000_000), (HQ, 15_000_000)]
    shared = rules.heirs_of_share(held, Role.ACQ_CLERK, HQ, [("clerk:A", 5000), (HQ, 5000)])
    assert shared == [("clerk:A", 15_000_000), (HQ, 30_000_000)]
    alone = rules.heirs_of_share({Role.ACQ_CLERK: 3000}, Role.ACQ_CLERK, HQ, [("clerk:A", 10000)])
    assert alone == [("clerk:A", 30_000_000)]
    assert rules.heirs_of_share(held, Role.SVC_CLERK, HQ, [("clerk:A", 10000)]) == [(HQ, 45_000_000)]


def test_kinds_of_parties() -> None:
    assert rules.kind_of("clerk:C-1") is PartyKind.CLERK
    with pytest.raises(ValueError):
        rules.kind_of("x:1")


def items(*seconds: int, of: list[int] | None = None) -> list[Item]:
    apart = of or list(range(len(seconds)))
    return [
        Item("TOUCH", n, ORDERED + timedelta(seconds=s), of=o)
        for n, (s, o) in enumerate(zip(seconds, apart, strict=True))
    ]


def test_frd1_a_stretch_is_open_at_its_end() -> None:
    assert len(rules.densest(items(0, 10, 3599), 3600)) == 3
    assert len(rules.densest(items(0, 10, 3600), 3600)) == 2
    assert [item.ref for item in rules.densest(items(0, 3600, 3700, 3800), 3600)] == [1, 2, 3]
    assert rules.densest([], 3600) == []


def test_frd1_the_widest_stretch_counts_what_is_apart() -> None:
    seen = items(0, 1, 2, 86400, 86401, of=[7, 7, 8, 8, 9])
    assert rules.distinct(rules.widest(seen, 86400)) == 2
    assert rules.distinct(rules.widest(seen, 86402)) == 3


@pytest.mark.parametrize(("part", "whole", "more"), [(4, 10, False), (5, 10, True), (401, 1000, True)])
def test_frd1_exactly_the_limit_is_not_more_than_it(part: int, whole: int, more: bool) -> None:
    assert rules.exceeds(part, whole, 4000) is more
