"""The names of the ledger accounts of commission. A party is ``clerk:C-SZFT-01``, ``store:SZ-FT``, ..."""

# What is on its way from one share to another within one transaction: nothing, whenever anybody looks.
MOVING = "moving:commission"


def expense(entity: str) -> str:
    """What the selling entity (its code) spends on commission."""
    return f"expense:commission:{entity}"


def written_off(entity: str) -> str:
    """What an entity lost to debts of parties that no settlement could net (CLW-3)."""
    return f"expense:written-off:{entity}"


def fee_expense(entity: str) -> str:
    """What a selling entity spends on head office's platform fee (SPL-10)."""
    return f"expense:platform-fee:{entity}"


def fee_owed(entity: str) -> str:
    """What a selling entity owes head office as platform fee (SPL-10)."""
    return f"platform-fee:{entity}"


def frozen(party: str) -> str:
    """What a party has earned and may still lose to a refund (FRZ-1)."""
    return f"frozen:{party}"


def payable(party: str) -> str:
    """What is certain and owed to a party (FRZ-2); below zero after a late refund (CLW-3)."""
    return f"payable:{party}"


def payout(party: str) -> str:
    """What settlement batches have handed over to be paid out; whoever pays takes it from here."""
    return f"payout:{party}"


def held_by(party: str, *, certain: bool) -> str:
    """Where the money of a share lies: frozen until it is certain, payable afterwards."""
    return payable(party) if certain else frozen(party)
