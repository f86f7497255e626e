"""Invariants of commission, attribution, members and delivery."""

from scripts.books.check import Check
from scripts.books.money import BALANCES

CHECKS = (
    Check(
        "I22",
        "the shares of a line sum to its pool, exactly, whoever they were handed to",
        """
        select l.order_number, l.order_line_id, l.pool_fen, l.moved_pool_fen, l.reversed_fen,
               sum(s.accrued_fen - s.moved_fen) as shared, sum(s.reversed_fen) as reversed
          from commission_line l left join commission_share s on s.order_line_id = l.order_line_id
         group by l.order_line_id
        having (l.pool_fen - l.moved_pool_fen, l.reversed_fen)
            is distinct from (coalesce(sum(s.accrued_fen - s.moved_fen), 0), coalesce(sum(s.reversed_fen), 0))
        """,
    ),
    Check(
        "I23",
        "no share is accrued or released twice, nor taken back, moved or settled twice for one cause",
        """
        select share_id, kind, refund_id, move_id, batch_id, count(*) as times from commission_entry
         where kind <> 'WRITE_OFF' group by 1, 2, 3, 4, 5 having count(*) > 1
        """,
    ),
    Check(
        "I24",
        "what is left of a pool is the pool of what is left of the base; after a full refund nothing",
        """
        select order_number, order_line_id, base_fen, refunded_base_fen, moved_base_fen, pool_bp, pool_fen,
               reversed_fen, moved_pool_fen, protected_fen
          from commission_line l
         where pool_fen <> (base_fen * pool_bp + 5000) / 10000
            or pool_fen - reversed_fen - moved_pool_fen - protected_fen
            <> ((base_fen - refunded_base_fen - moved_base_fen) * pool_bp + 5000) / 10000
            or protected_fen <> (select coalesce(sum(protected_fen), 0) from commission_share s
                                  where s.order_line_id = l.order_line_id)
            or (protected_fen > 0 and not defect_protect)
        """,
    ),
    Check(
        "I25",
        "a member has one service binding at any moment",
        """
        select a.member_id, a.id, b.id as other_id
          from service_binding a
          join service_binding b on b.member_id = a.member_id and b.id > a.id
           and tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)
        """,
    ),
    Check(
        "B08",
        "every line of a paid order has its commission line, and no other has one",
        """
        select o.number, l.line_no, o.paid_at, c.order_line_id is not null as accrued
          from order_line l
          join orders o on o.id = l.order_id
          left join commission_line c on c.order_line_id = l.id
         where (o.paid_at is not null) <> (c.order_line_id is not null)
            or (c.base_fen, c.pool_bp, c.order_id) <> (l.base_fen, l.pool_bp, l.order_id)
        """,
    ),
    Check(
        "B09",
        "a share's figures are the sums of its entries",
        """
        select s.id, s.party, s.accrued_fen, e.accrued, s.reversed_fen, e.reversed, s.moved_fen, e.moved,
               s.settled_fen, e.settled, s.written_off_fen, e.written_off
          from commission_share s
          left join (select share_id,
                            sum(amount_fen) filter (where kind in ('ACCRUE', 'MOVE_IN')) as accrued,
                            -sum(amount_fen) filter (where kind = 'REVERSE') as reversed,
                            -sum(amount_fen) filter (where kind = 'MOVE_OUT') as moved,
                            sum(amount_fen) filter (where kind = 'SETTLE') as settled,
                            sum(amount_fen) filter (where kind = 'WRITE_OFF') as written_off
                       from commission_entry group by 1) e on e.share_id = s.id
         where (s.accrued_fen, s.reversed_fen, s.moved_fen, s.settled_fen, s.written_off_fen)
            <> (coalesce(e.accrued, 0), coalesce(e.reversed, 0), coalesce(e.moved, 0),
                coalesce(e.settled, 0), coalesce(e.written_off, 0))
        """,
    ),
    Check(
        "B10",
        "every entry is its ledger transfer: same amount, direction and party",
        """
        select e.id, e.kind, e.amount_fen, t.amount_fen as posted_fen, s.party, d.name as debit,
               c.name as credit
          from commission_entry e
          join commission_share s on s.id = e.share_id
          left join ledger_transfer t on t.id = e.transfer_id
          left join ledger_account d on d.id = t.debit_account_id
          left join ledger_account c on c.id = t.credit_account_id
          cross join lateral (select case when e.certain then 'payable:' else 'frozen:' end || s.party
                                     as place, 'payout:' || s.party as payout) x
         where t.amount_fen is distinct from abs(e.amount_fen) or t.happened_at is distinct from e.at
            or e.party <> s.party or (e.kind in ('RELEASE', 'SETTLE', 'WRITE_OFF') and not e.certain)
            or case e.kind
               when 'ACCRUE' then d.name not like 'expense:commission:%' or c.name <> x.place
               when 'RELEASE' then d.name <> 'frozen:' || s.party or c.name <> x.place
               when 'MOVE_OUT' then d.name <> x.place or c.name <> 'moving:commission'
               when 'MOVE_IN' then d.name <> 'moving:commission' or c.name <> x.place
               when 'SETTLE' then (d.name, c.name) <> case when e.amount_fen > 0 then (x.place, x.payout)
                                                           else (x.payout, x.place) end
               when 'WRITE_OFF' then d.name not like 'expense:written-off:%' or c.name <> x.place
               else d.name <> x.place or c.name not like 'expense:commission:%' end
        """,
    ),
    Check(
        "B11",
        "every ledger transfer of commission has its entry",
        """
        select t.id, t.key from ledger_transfer t
         where t.kind like 'COMMISSION~_%' escape '~'
           and not exists (select from commission_entry e where e.transfer_id = t.id)
        """,
    ),
    Check(
        "B12",
        "a party's frozen account = what is left of its shares that are not certain yet",
        f"""
        select coalesce(b.name, s.name) as account, b.fen as ledger_fen, s.fen
          from (select * from ({BALANCES}) a where name like 'frozen:%') b
          full join (select 'frozen:' || party as name, sum(accrued_fen - reversed_fen - moved_fen) as fen
                       from commission_share where released_at is null group by 1) s
            on s.name = b.name
         where coalesce(b.fen, 0) <> coalesce(s.fen, 0)
        """,
    ),
    Check(
        "B13",
        "a party's payable account = what is left of its certain shares, less settled, plus written off",
        f"""
        select coalesce(b.name, s.name) as account, b.fen as ledger_fen, s.fen
          from (select * from ({BALANCES}) a where name like 'payable:%') b
          full join (select 'payable:' || party as name,
                            sum(accrued_fen - reversed_fen - moved_fen - settled_fen + written_off_fen) as fen
                       from commission_share where released_at is not null group by 1) s
            on s.name = b.name
         where coalesce(b.fen, 0) <> coalesce(s.fen, 0)
        """,
    ),
    Check(
        "B14",
        "an entity's commission expense = what is left of the pools it sold",
        f"""
        select coalesce(b.name, l.name) as account, b.fen as ledger_fen, l.fen
          from (select * from ({BALANCES}) a where name like 'expense:commission:%') b
          full join (select 'expense:commission:' || selling_entity as name,
                            sum(pool_fen - reversed_fen - moved_pool_fen) as fen
                       from commission_line group by 1) l
            on l.name = b.name
         where -coalesce(b.fen, 0) <> coalesce(l.fen, 0)
        """,
    ),
    Check(
        "B15",
        "every succeeded refund of a line has taken back its commission, and nothing else has",
        """
        select c.order_number, c.order_line_id, c.refunded_base_fen, r.fen as refunds_fen, v.fen as noted_fen
          from commission_line c
          left join (select rl.order_line_id, sum(rl.amount_fen) as fen
                       from refund_line rl join refund r on r.id = rl.refund_id
                      where r.state = 'SUCCESS' and r.cause <> 'EXCESS' group by 1) r
            on r.order_line_id = c.order_line_id
          left join (select order_line_id, sum(base_fen) as fen, sum(pool_fen) as taken,
                            bool_or(pool_fen is null) as waits
                       from commission_reversal group by 1) v on v.order_line_id = c.order_line_id
         where c.refunded_base_fen <> coalesce(r.fen, 0) or c.refunded_base_fen <> coalesce(v.fen, 0)
            or c.reversed_fen <> coalesce(v.taken, 0) or v.waits
        """,
    ),
    Check(
        "B16",
        "a share's state is what its figures, its holds, its batch and its line say",
        """
        select s.id, s.party, s.state, x.told, s.accrued_fen, s.reversed_fen, s.moved_fen, s.settled_fen,
               s.written_off_fen, s.released_at, l.released_at as line_released_at
          from commission_share s
          join commission_line l on l.order_line_id = s.order_line_id
          cross join lateral (
               select s.accrued_fen - s.reversed_fen - s.moved_fen as left_fen,
                      exists (select from commission_hold h
                               where h.share_id = s.id and h.lifted_at is null) as held,
                      exists (select from commission_batch_row b
                               where b.share_id = s.id and b.state in ('OPEN', 'FIXED')) as in_batch) y
          cross join lateral (
               select case when s.written_off_fen > 0 and y.left_fen - s.settled_fen + s.written_off_fen = 0
                           then 'WRITTEN_OFF'
                           when s.accrued_fen > 0 and y.left_fen = 0 and s.moved_fen > 0 then 'MOVED'
                           when s.accrued_fen > 0 and y.left_fen = 0 then 'REVERSED'
                           when y.held then 'HELD'
                           when y.in_batch then 'IN_BATCH'
                           when s.settled_fen > 0 then 'SETTLED'
                           when s.released_at is not null then 'RELEASABLE'
                           else 'FROZEN' end as told) x
         where s.state <> x.told
            or (s.released_at is not null and (l.released_at is null or s.released_at < l.released_at))
            or (s.released_at is null and l.released_at is not null and not y.held and y.left_fen > 0)
        """,
    ),
    Check(
        "B17",
        "the clock of a line runs exactly when its order was handed over; nothing is released before its day",
        """
        select l.order_number, l.order_line_id, o.completed_at, l.releasable_at, l.released_at
          from commission_line l join orders o on o.id = l.order_id
         where (o.completed_at is null) <> (l.releasable_at is null)
            or (l.released_at is not null and (l.releasable_at is null or l.released_at < l.releasable_at))
        """,
    ),
    Check(
        "B21",
        "what is moved from share to share has arrived: nothing is on its way",
        f"""
        select m.id, m.share_id, m.cause, m.amount_fen, e.gone, e.come
          from commission_move m
          left join (select move_id, -sum(amount_fen) filter (where kind = 'MOVE_OUT') as gone,
                            sum(amount_fen) filter (where kind = 'MOVE_IN') as come
                       from commission_entry where move_id is not null group by 1) e on e.move_id = m.id
         where m.amount_fen <> coalesce(e.gone, 0)
            or abs(m.amount_fen - coalesce(e.come, 0))
             > case when m.because->>'kind' = 'EXCHANGE' then 1 else 0 end
        union all
        select null, null, name, fen, null, null from ({BALANCES}) a
         where name = 'moving:commission' and fen <> 0
        """,
    ),
    Check(
        "B22",
        "what a batch counts as settled was settled, and nothing else was",
        """
        select r.batch_id, r.share_id, r.state, r.amount_fen, e.amount_fen as entry_fen
          from commission_batch_row r
          full join (select share_id, batch_id, amount_fen from commission_entry where kind = 'SETTLE') e
            on (e.share_id, e.batch_id) = (r.share_id, r.batch_id)
         where coalesce(case when r.state = 'SETTLED' then r.amount_fen end, 0) <> coalesce(e.amount_fen, 0)
            or r.party <> (select party from commission_share s where s.id = r.share_id)
        """,
    ),
    Check(
        "B23",
        "a platform fee is the fee of what is left of the base, and owed in the ledger; none on own sales",
        f"""
        select l.order_number, l.order_line_id::text as line, l.fee_bp, l.fee_fen, l.fee_reversed_fen
          from commission_line l
         where l.fee_fen <> (l.base_fen * l.fee_bp + 5000) / 10000
            or l.fee_fen - l.fee_reversed_fen
            <> ((l.base_fen - l.refunded_base_fen - l.moved_base_fen) * l.fee_bp + 5000) / 10000
            or (l.fee_bp > 0 and l.selling_entity = (select code from legal_entity where kind = 'HQ'))
        union all
        select coalesce(x.name, b.name), b.name, null, x.fen, b.fen
          from (select 'platform-fee:' || selling_entity as name, sum(fee_fen - fee_reversed_fen) as fen
                  from commission_line group by 1) x
          full join (select * from ({BALANCES}) a where name like 'platform-fee:%') b on b.name = x.name
         where coalesce(x.fen, 0) <> coalesce(b.fen, 0)
        """,
    ),
    Check(
        "B18",
        "an acquisition rests on a valid touch of that member, by that clerk, at that store",
        """
        select a.member_id, a.touch_id, t.valid, t.result
          from acquisition a
          join member m on m.id = a.member_id
          left join touch t on t.id = a.touch_id
          left join member tm on tm.id = t.member_id
         where t.id is null or not t.valid or t.store_id <> a.store_id
            or t.clerk_id is distinct from a.clerk_id
            or coalesce(tm.alias_of, tm.id) <> coalesce(m.alias_of, m.id)
        """,
    ),
    Check(
        "B19",
        "service binding follows acquisition: whoever was acquired is, or was, served",
        """
        select a.member_id, a.touch_id
          from acquisition a join member m on m.id = a.member_id
         where m.alias_of is null and not exists (select from member x where x.alias_of = m.id)
           and not exists (select from service_binding b where b.member_id = a.member_id)
        """,
    ),
    Check(
        "B20",
        "a merged member points to the one who goes on, never to another merged one",
        """
        select m.number, t.number as points_to
          from member m join member t on t.id = m.alias_of where t.alias_of is not null
        """,
    ),
    Check(
        "I31",
        "the queue drains: no job waits 5 minutes past its time, none has failed",
        """
        select j.id, j.task_name, j.status, j.attempts, coalesce(j.scheduled_at, e.at) as since
          from procrastinate_jobs j
          left join lateral (select min(at) as at from procrastinate_events where job_id = j.id) e on true
         where j.status = 'failed'
            or (j.status in ('todo', 'doing')
                and coalesce(j.scheduled_at, e.at) < cast(:at as timestamptz) - interval '5 minutes')
        """,
        watch=True,
    ),
    Check(
        "I32",
        "every scan of the last day stands in the inbox",
        """
        select t.id, t.kind, t.received_at from touch t
         where t.kind in ('SUBSCRIBE_SCAN', 'SCAN')
           and t.received_at > cast(:at as timestamptz) - interval '1 day'
           and not exists (select from inbox i where i.source = 'wechat.oa' and i.key = t.raw_key)
        """,
        watch=True,
    ),
)
