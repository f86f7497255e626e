"""Money arithmetic: integer fen, rates in basis points, shares by largest remainder. Pure."""

from collections.abc import Sequence


def half_up(base_fen: int, rate_bp: int) -> int:
    """``base`` times ``rate`` in basis points, rounded half up to the fen (C-2). Refuses negatives."""
    if base_fen < 0 or rate_bp < 0:
        raise ValueError("half_up takes no negative amount or rate")
    return (base_fen * rate_bp + 5000) // 10000


def largest_remainder(total_fen: int, weights: Sequence[int]) -> list[int]:
    """Split ``total_fen`` in proportion to ``weights`` so that the parts add up exactly (C-3).

    Each part gets the floor of its quota; the left-over fen go one by one to the largest
    fractional parts, ties to the lower index. Refuses a negative total or weight, and a
    positive total over weights that are all zero.
    """
    if total_fen < 0 or any(weight < 0 for weight in weights):
        raise ValueError("largest_remainder takes no negative total or weight")
    whole = sum(weights)
    if whole == 0:
        if total_fen:
            raise ValueError("nothing to split over: all weights are zero")
        return [0 for _ in weights]
    parts = [total_fen * weight // whole for weight in weights]
    by_fraction = sorted(range(len(weights)), key=lambda i: (-(total_fen * weights[i] % whole), i))
    for i in by_fraction[: total_fen - sum(parts)]:
        parts[i] += 1
    return parts


def yuan(amount_fen: int) -> str:
    """An amount for people to read: ``29900`` -> ``¥299.00``, negative with a leading minus."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}¥{abs(amount_fen) // 100:,}.{abs(amount_fen) % 100:02d}"
