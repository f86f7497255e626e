"""The names of the ledger accounts of commission. A party is ``clerk:C-SZFT-01``, ``store:SZ-FT``, ..."""


def expense(entity: str) -> str:
    """What the selling entity (its code) spends on commission."""
    return f"expense:commission:{entity}"


def frozen(party: str) -> str:
    """What a party has earned and may still lose to a refund (FRZ-1)."""
    return f"frozen:{party}"


def payable(party: str) -> str:
    """What is certain and owed to a party (FRZ-2); below zero after a late refund (CLW-3)."""
    return f"payable:{party}"
