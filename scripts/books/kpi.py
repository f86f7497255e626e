"""Invariants of the KPI book."""

from scripts.books.check import Check

CHECKS = (
    Check(
        "K01",
        "the KPI credit of a line sums to its net amount: what was sold less what was taken back (KPI-1)",
        """
        select s.order_line_id, s.amount_fen as sold_fen, r.fen as returned_fen, c.fen as credited_fen
          from kpi_sale s
          left join (select order_line_id, sum(amount_fen) as fen from kpi_return group by 1) r using (order_line_id)
          left join (select order_line_id, sum(amount_fen) as fen from kpi_credit group by 1) c using (order_line_id)
         where s.amount_fen - coalesce(r.fen, 0) <> coalesce(c.fen, 0)
        """,
    ),
    Check(
        "K02",
        "no KPI credit without a line of a paid order, of that amount",
        """
        select k.order_line_id, k.amount_fen, l.amount_fen as line_fen, o.number
          from kpi_sale k
          left join order_line l on l.id = k.order_line_id
          left join orders o on o.id = l.order_id and o.paid_at is not null and o.id = k.order_id
         where o.id is null or l.amount_fen <> k.amount_fen
        union all
        select c.order_line_id, c.amount_fen, null, null from kpi_credit c
         where not exists (select from kpi_sale k where k.order_line_id = c.order_line_id)
        """,
    ),
    Check(
        "K03",
        "no role's credit of a line is below zero, and each refund is taken back as it was made",
        """
        select order_line_id, role as party, sum(amount_fen) as fen from kpi_credit
         group by 1, 2 having sum(amount_fen) < 0
        union all
        select r.order_line_id, 'refund ' || r.refund_id, r.amount_fen
          from kpi_return r
          left join refund_line l on l.refund_id = r.refund_id and l.order_line_id = r.order_line_id
          left join refund f on f.id = r.refund_id and f.state = 'SUCCESS'
         where f.id is null or l.amount_fen is distinct from r.amount_fen
        """,
    ),
    Check(
        "K04",
        "what clerks are credited with on a line is its net amount, or nothing when nobody sold it (KPI-3)",
        """
        select s.order_line_id, s.amount_fen as sold_fen, r.fen as returned_fen, c.fen as clerks_fen
          from kpi_sale s
          join (select order_line_id, sum(amount_fen) as fen from kpi_clerk_credit group by 1) c using (order_line_id)
          left join (select order_line_id, sum(amount_fen) as fen from kpi_return group by 1) r using (order_line_id)
         where s.amount_fen - coalesce(r.fen, 0) <> c.fen
        """,
    ),
    Check(
        "K05",
        "the KPI book has taken in every paid line and every refund within 15 minutes",
        """
        select c.order_number, c.order_line_id, c.accrued_at as since, null as refund_id
          from commission_line c
         where c.accrued_at < cast(:at as timestamptz) - interval '15 minutes'
           and (c.counted_at is null or not exists (select from kpi_sale k where k.order_line_id = c.order_line_id))
        union all
        select null, v.order_line_id, v.at, v.refund_id from commission_reversal v
         where v.at < cast(:at as timestamptz) - interval '15 minutes'
           and (v.counted_at is null or not exists (
                select from kpi_return r where (r.refund_id, r.order_line_id) = (v.refund_id, v.order_line_id)))
        """,
        watch=True,
    ),
)
