"""The names of the ledger accounts that money from and to shoppers moves between."""

# Late or double money that no order wants, until its refund has arrived (STK-4).
UNCLAIMED = "unclaimed:excess"


def cash(mchid: str) -> str:
    """What lies at WeChat Pay for a merchant number; below zero for money that came in."""
    return f"cash:wechat:{mchid}"


def till(store: str) -> str:
    """What the tills of a store (its code) took for us; below zero for money that came in."""
    return f"cash:till:{store}"


def sales(entity: str) -> str:
    """What an entity (its code) has sold, after refunds."""
    return f"sales:{entity}"
