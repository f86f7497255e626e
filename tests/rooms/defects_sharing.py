"""Ways to break the invariants of profit sharing, as in ``defects``."""

from tests.rooms.defects import Defect

FLAGGED = "update payment set profit_sharing = true where out_trade_no = 'PA2'"


def sharing(kind: str, fen: int) -> str:
    """A finished sharing of A2's payment, without parts."""
    return (
        "insert into sharing_order (number, kind, payment_id, order_number, transaction_id, appid, mchid, paid_at,"
        " amount_fen, state, next_at, checks, ended_at)"
        f" select 'S1', '{kind}', id, 'A2', transaction_id, appid, mchid, now(), {fen}, 'DONE', now(), 1, now()"
        " from payment where out_trade_no = 'PA2'"
    )


SHARINGS = (
    Defect("P04", (FLAGGED, sharing("SHARE", 5))),
    Defect("P05", (sharing("UNFREEZE", 0),)),
    Defect("P06", (FLAGGED,)),
)
