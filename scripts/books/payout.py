"""Invariants of payouts: what went out is what settlement knows of, once each."""

from scripts.books.check import Check

CHECKS = (
    Check(
        "P01",
        "a transfer pays its portion whole, and both have ended alike",
        """
        select x.out_bill_no, x.state, x.amount_fen, t.amount_fen as portion_fen, t.paid_at, t.returned_at
          from payout_transfer x
          left join settlement_batch b on b.number = x.batch
          left join settlement_party p on p.batch_id = b.id and p.party = x.party
          left join settlement_portion t on t.party_id = p.id and t.position = x.position
         where x.amount_fen is distinct from t.amount_fen
            or (x.state = 'PAID') <> (t.paid_at is not null)
            or (x.state = 'RETURNED') <> (t.returned_at is not null)
        """,
    ),
    Check(
        "P02",
        "a list adds up to its rows, and a row that is booked has paid its portion whole",
        """
        select l.number, r.party, r.amount_fen, t.amount_fen as portion_fen, t.paid_at
          from payout_papers l
          join payout_row r on r.papers_id = l.id
          left join settlement_batch b on b.number = r.batch
          left join settlement_party p on p.batch_id = b.id and p.party = r.party
          left join settlement_portion t on t.party_id = p.id and t.position = r.position
         where r.amount_fen is distinct from t.amount_fen or (r.paid_at is not null and t.paid_at is null)
            or (r.paid_at is not null and l.state <> 'PAID')
            or l.total_fen <> (select sum(owed_fen) from payout_row where papers_id = l.id)
        """,
    ),
    Check(
        "P03",
        "no portion is on a transfer and on a list",
        """
        select x.out_bill_no, r.papers_id, x.party from payout_transfer x
          join payout_row r on (r.batch, r.party, r.position) = (x.batch, x.party, x.position)
        """,
    ),
)
