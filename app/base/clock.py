"""Time as the house understands it: aware UTC inside, days and shop hours in Asia/Shanghai."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The present moment, aware UTC. Only wiring calls it; everything else is handed ``now``."""
    return datetime.now(UTC)


def local_day(moment: datetime) -> date:
    """The calendar day in Asia/Shanghai on which an aware moment falls."""
    return moment.astimezone(SHANGHAI).date()


def local_time(moment: datetime) -> time:
    """The wall-clock time in Asia/Shanghai of an aware moment."""
    return moment.astimezone(SHANGHAI).time().replace(tzinfo=None)


def start_of_day(day: date) -> datetime:
    """00:00 of a Shanghai calendar day, as aware UTC."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def days_after(moment: datetime, days: int) -> datetime:
    """00:00 local of the day ``days`` after the local day of ``moment`` (C-6), as aware UTC."""
    return start_of_day(local_day(moment) + timedelta(days=days))


def iso(moment: datetime) -> str:
    """RFC 3339 with the offset of Asia/Shanghai, to the second: what people and WeChat read."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")
