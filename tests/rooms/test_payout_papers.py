"""Lists that people pay outside WeChat: wages, and bills between companies (SET-3)."""

from datetime import datetime

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, NotFound
from app.payout import papers, reading
from models.payout import PapersKind, PapersState
from tests.racing import at_once
from tests.rooms.paid import LIN, local
from tests.rooms.settled import approved, certain, line

NOW = local("2026-04-11")
ANNE, BERT = "operator:O-ANNE", "operator:O-BERT"


def made(
    tx: Tx, batch: str, kind: PapersKind = PapersKind.WAGES, by: str = ANNE, entity: str = "E-HQ"
) -> str:
    with tx() as session:
        return papers.make(session, batch=batch, kind=kind, entity=entity, by=by, now=NOW)


def confirm(tx: Tx, number: str, by: str = BERT, reference: str = "PAY-1") -> None:
    with tx() as session:
        papers.confirm(session, number=number, by=by, reference=reference, now=NOW)


def count(tx: Tx, what: str) -> int:
    with tx() as session:
        return int(session.execute(text(f"select count(*) from {what}")).scalar_one())


def book(tx: Tx, number: str) -> int:
    with tx() as session:
        row_id = session.execute(
            text("select id from payout_papers where number = :n"), {"n": number}
        ).scalar_one()
    return papers.book(tx, papers_id=row_id)


@pytest.mark.usefixtures("right_books")
def test_set3_wages_are_listed_once_and_booked_when_a_second_person_confirms(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", 29900, 12900)
    batch = approved(tx)
    number = made(tx, batch)
    assert made(tx, batch, by=BERT) == number
    owed = line(tx, batch, LIN)["payable_fen"]
    with tx() as session:
        (seen,) = reading.papers(session, batch=batch)
        rows = list(reading.rows(session, number))
    assert (seen.rows, seen.booked, seen.state, seen.made_by) == (2, 0, PapersState.OPEN, ANNE)
    assert seen.total_fen == sum(row.amount_fen for row in rows)
    assert [(row.party, row.amount_fen, row.store) for row in rows if row.party == LIN] == [
        (LIN, owed, "SZ-FT")
    ]
    confirm(tx, number)
    confirm(tx, number)
    assert count(tx, "procrastinate_jobs where task_name = 'book_papers'") == 1
    assert line(tx, batch, LIN)["state"] == "DUE"
    assert (book(tx, number), book(tx, number)) == (2, 0)
    assert (line(tx, batch, LIN)["state"], line(tx, batch, LIN)["paid_fen"]) == ("PAID", owed)
    assert (
        count(
            tx,
            "ledger_transfer t join ledger_account a on a.id = t.credit_account_id"
            " where a.name = 'cash:payroll:E-HQ'",
        )
        == 2
    )


def test_set3_whoever_made_a_list_cannot_confirm_it(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    number = made(tx, approved(tx))
    with pytest.raises(Forbidden, match="SAME_PERSON"):
        confirm(tx, number, by=ANNE)
    assert count(tx, "payout_papers where state = 'PAID' or confirmed_by is not null") == 0
    assert count(tx, "procrastinate_jobs where task_name = 'book_papers'") == 0
    confirm(tx, number)
    with pytest.raises(Conflict, match="CONFIRMED"):
        confirm(tx, number, reference="PAY-2")
    with pytest.raises(NotFound):
        confirm(tx, "W0")


def test_set3_nothing_due_makes_no_list(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    batch = approved(tx)
    for entity, kind in (("E-GZ2", PapersKind.WAGES), ("E-HQ", PapersKind.BILL)):
        with pytest.raises(Conflict, match="NOTHING_DUE"):
            made(tx, batch, kind, entity=entity)
    assert (count(tx, "payout_papers"), count(tx, "payout_row")) == (0, 0)


def test_set3_one_list_for_all_who_ask_at_once(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", 29900, 12900)
    batch = approved(tx)
    numbers = at_once(6, lambda _: made(tx, batch))
    assert len(set(numbers)) == 1
    assert (count(tx, "payout_papers"), count(tx, "payout_row")) == (1, 2)
    confirm(tx, numbers[0])
    assert sum(at_once(4, lambda _: book(tx, numbers[0]))) == 2
    assert count(tx, "ledger_transfer where kind = 'PAYOUT'") == 2


@pytest.mark.usefixtures("right_books")
def test_set3_what_a_company_owes_itself_is_settled_without_a_list(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    batch = approved(tx)
    assert (papers.settle_own(tx, batch=batch, now=NOW), papers.settle_own(tx, batch=batch, now=NOW)) == (
        2,
        0,
    )
    assert count(tx, "settlement_party where channel = 'ENTITY' and state <> 'PAID' and payable_fen > 0") == 0
    assert (
        count(
            tx,
            "ledger_transfer t join ledger_account a on a.id = t.credit_account_id"
            " where a.name = 'cash:intercompany:E-HQ'",
        )
        == 2
    )


@pytest.mark.usefixtures("right_books")
def test_spl10_what_another_company_owes_a_store_is_billed(tx: Tx) -> None:
    with tx() as session:
        session.execute(
            text(
                "insert into legal_entity (code, name, kind) values ('E-WF1', '潍坊潍澜商贸有限公司', 'FRANCHISEE')"
            )
        )
    certain(tx, "A260302TEST0001", entity="E-WF1")
    batch = approved(tx)
    assert papers.settle_own(tx, batch=batch, now=NOW) == 0
    number = made(tx, batch, PapersKind.BILL)
    with tx() as session:
        assert {row.party for row in reading.rows(session, number)} == {"store:SZ-FT", "store:SZ-NS"}
    confirm(tx, number)
    assert book(tx, number) == 2


@pytest.mark.usefixtures("right_books")
def test_spl10_a_bill_asks_for_what_others_bear_and_nothing_more(tx: Tx) -> None:
    with tx() as session:
        session.execute(
            text(
                "insert into legal_entity (code, name, kind) values ('E-WF1', '潍坊潍澜商贸有限公司', 'FRANCHISEE')"
            )
        )
    certain(tx, "A260302TEST0001", 29900, entity="E-WF1")
    certain(tx, "A260302TEST0002", 299_000)
    batch = approved(tx)
    number = made(tx, batch, PapersKind.BILL)
    with tx() as session:
        asked = {row.party: row.amount_fen for row in reading.rows(session, number)}
        (seen,) = reading.papers(session, batch=batch)
    # Of the franchisee's sale: 224 each for the bringing and the handing-over store.
    assert (asked, seen.total_fen) == ({"store:SZ-FT": 224, "store:SZ-NS": 224}, 448)
    confirm(tx, number)
    assert book(tx, number) == 2
    for store in asked:
        found = line(tx, batch, store)
        assert (found["state"], found["paid_fen"]) == ("PAID", found["payable_fen"])


def test_a_list_of_another_company_is_not_told_of(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    number = made(tx, approved(tx))
    with tx() as session:
        assert reading.papers(session, entity="E-WF1") == []
        with pytest.raises(NotFound):
            reading.get_papers(session, number, entity="E-WF1")
        assert isinstance(reading.get_papers(session, number, entity="E-HQ").made_at, datetime)
