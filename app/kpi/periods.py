"""A month or a day in Asia/Shanghai, as people ask for it."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from app.base.errors import Invalid

_FORM = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])(?:-([0-3][0-9]))?")


@dataclass(frozen=True, slots=True)
class Period:
    """From the day ``since`` up to, not including, the day ``until``."""

    name: str
    since: date
    until: date

    @property
    def is_month(self) -> bool:
        """Whether it is a whole month, for which clerks have targets."""
        return len(self.name) == 7


def read_period(name: str) -> Period:
    """``2026-11`` or ``2026-11-21``. Refuses any other form, and days that do not exist (Invalid)."""
    match = _FORM.fullmatch(name)
    try:
        if match is None:
            raise ValueError(name)
        first = date.fromisoformat(name if match[3] else f"{name}-01")
    except ValueError:
        wanted = "must look like 2026-11 or 2026-11-21"
        raise Invalid("No such period.", fields={"period": wanted}) from None
    if match[3]:
        return Period(name, first, first + timedelta(days=1))
    return Period(name, first, date(first.year + first.month // 12, first.month % 12 + 1, 1))
