"""Invariants of disputes and findings."""

from scripts.books.check import Check

CHECKS = (
    Check(
        "F01",
        "amounts are kept back for a dispute or a finding only while it is open (DSP-1, FRD-2)",
        """
        select h.share_id, h.cause, h.held_at from commission_hold h
         where h.lifted_at is null
           and ((h.cause like 'dispute:%' and not exists (
                    select from dispute d where d.state <> 'APPLIED' and h.cause = 'dispute:' || d.number))
             or (h.cause like 'risk:%' and not exists (
                    select from risk_finding f where f.state = 'OPEN' and h.cause = 'risk:' || f.number)))
        """,
    ),
    Check(
        "F02",
        "no dispute waits for the clock: taken up within an hour, booked within 26 hours of its decision",
        """
        select number, state, opened_at, decided_at from dispute
         where (state = 'OPEN' and opened_at < cast(:at as timestamptz) - interval '1 hour')
            or (state = 'EVIDENCE' and heard_at is null
                and evidence_until < cast(:at as timestamptz) - interval '1 hour')
            or (state = 'DECIDED' and decided_at < cast(:at as timestamptz) - interval '26 hours')
        """,
        watch=True,
    ),
)
