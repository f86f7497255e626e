"""Invariants of profit sharing: what left a payment is what commission counts as settled by it (FRZ-4)."""

from scripts.books.check import Check

CHECKS = (
    Check(
        "P04",
        "a sharing adds up to its parts, within 30 % of the payment, and to its commission rows, ended alike",
        """
        select x.number, x.state, x.amount_fen, p.fen, r.fen as rows_fen, r.states
          from sharing_order x
          join payment m on m.id = x.payment_id
          left join lateral (select sum(amount_fen) as fen from sharing_part where sharing_id = x.id) p on true
          left join lateral (
               select sum(r.amount_fen) as fen, array_agg(distinct r.state) as states,
                      bool_and(r.state = case t.result when 'SUCCESS' then 'SETTLED' when 'CLOSED' then 'RETURNED'
                                                       else 'FIXED' end) as alike
                 from commission_batch_row r
                 join commission_share s on s.id = r.share_id
                 left join sharing_part t on t.sharing_id = x.id and t.entity = s.payee
                where r.batch_id = -x.payment_id) r on x.kind = 'SHARE'
         where x.amount_fen <> coalesce(p.fen, 0) or x.amount_fen <> coalesce(r.fen, 0)
            or x.amount_fen * 10000 > m.amount_fen * 3000 or not coalesce(r.alike, true)
            or exists (select from sharing_part t
                        where t.sharing_id = x.id and (t.result is null) <> (x.state in ('READY', 'ASKED')))
        union all
        select null, r.state, r.amount_fen, null, null, null from commission_batch_row r
         where r.batch_id < 0 and not exists (select from sharing_order x
                                               where x.payment_id = -r.batch_id and x.kind = 'SHARE')
        """,
    ),
    Check(
        "P05",
        "only a payment that was opened for sharing is shared or freed",
        """
        select p.out_trade_no, x.number, x.state, p.profit_sharing
          from sharing_order x join payment p on p.id = x.payment_id
         where not p.profit_sharing or p.state <> 'SUCCESS' or p.transaction_id <> x.transaction_id
        """,
    ),
    Check(
        "P06",
        "a payment that was opened for sharing is shared or freed before WeChat frees it by itself",
        """
        select p.out_trade_no, o.paid_at from payment p join orders o on o.id = p.order_id
         where p.profit_sharing and p.state = 'SUCCESS' and o.paid_at < cast(:at as timestamptz) - interval '28 days'
           and not exists (select from sharing_order x
                            where x.payment_id = p.id and x.state in ('DONE', 'FAILED'))
        """,
        watch=True,
    ),
)
