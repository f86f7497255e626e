"""Pure rules of the back office: scopes, locks, passwords."""

from datetime import UTC, datetime, timedelta

import pytest

from app.base.errors import Invalid, NotFound
from app.base.scope import Scope
from app.operators.passwords import check_password, make_password
from app.operators.rules import check_scope, locked_until
from models.operators import OperatorRole

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
R = OperatorRole


@pytest.mark.parametrize(
    ("scope", "entity", "store", "covered"),
    [
        (Scope(), "E-HQ", "SZ-FT", True),
        (Scope(), "E-WF1", None, True),
        (Scope(entity="E-WF1"), "E-WF1", "WF-TH", True),
        (Scope(entity="E-WF1"), "E-WF1", None, True),
        (Scope(entity="E-WF1"), "E-HQ", "SZ-FT", False),
        (Scope(entity="E-WF1"), "E-HQ", None, False),
        (Scope(store="SZ-FT"), "E-HQ", "SZ-FT", True),
        (Scope(store="SZ-FT"), "E-HQ", "SZ-NS", False),
        (Scope(store="SZ-FT"), "E-HQ", None, False),
        (Scope(entity="E-HQ", store="SZ-FT"), "E-WF1", "SZ-FT", False),
    ],
)
def test_a_scope_covers_its_own_and_hides_the_rest(
    scope: Scope, entity: str, store: str | None, covered: bool
) -> None:
    assert scope.covers(entity=entity, store=store) is covered
    if covered:
        scope.require(entity=entity, store=store)
    else:
        with pytest.raises(NotFound, match="NOT_FOUND: No such order") as refused:
            scope.require(entity=entity, store=store, detail="No such order.")
        assert refused.value.facts == {}


@pytest.mark.parametrize(
    ("role", "entity", "store", "wrong"),
    [
        (R.OWNER, None, None, []),
        (R.FINANCE, None, "SZ-FT", ["store"]),
        (R.SERVICE, "E-WF1", None, ["entity"]),
        (R.STORE_MANAGER, None, "SZ-FT", []),
        (R.STORE_MANAGER, None, None, ["store"]),
        (R.STORE_MANAGER, "E-HQ", "SZ-FT", ["entity"]),
        (R.FRANCHISEE, "E-WF1", None, []),
        (R.FRANCHISEE, None, "WF-TH", ["entity", "store"]),
    ],
)
def test_a_role_has_exactly_its_scope(
    role: OperatorRole, entity: str | None, store: str | None, wrong: list[str]
) -> None:
    if not wrong:
        check_scope(role, entity=entity, store=store)
        return
    with pytest.raises(Invalid) as refused:
        check_scope(role, entity=entity, store=store)
    assert sorted(refused.value.fields) == wrong


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (9, 15), (10, 15), (100_000, 15)],
)
def test_t42_wrong_tries_lock_longer_and_longer(failures: int, minutes: int) -> None:
    until = locked_until(failures, now=NOW)
    assert until == (NOW + timedelta(minutes=minutes) if minutes else None)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "a" * 40,
        "abcabcabcabcabc",
        "abcdefghijklmnop",
        "x" * 129,
        "my O-OWNER word 7",
        "黄丽娜 is my name 1",
        "password-for-shop",
        "lianke-lianke-12",
        "bad \udc80 surrogate!",
    ],
)
def test_a_weak_password_is_refused_by_name(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_password(password, code="O-OWNER", name="黄丽娜")
    assert (refused.value.code, list(refused.value.fields)) == ("WEAK_PASSWORD", ["password"])
    assert password not in str(refused.value)


def test_long_words_of_any_script_and_drawn_passwords_are_strong() -> None:
    for password in ("fjord lantern 42 plum", "山高月小水落石出清风徐来", make_password()):
        check_password(password, code="O-OWNER", name="黄丽娜")
    assert len({make_password() for _ in range(100)}) == 100
