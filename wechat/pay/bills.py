"""A day's bills, for comparing our books with WeChat's: asked for, fetched, proven, read."""

import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import BinaryIO, Generic, TypeVar
from urllib.parse import urlsplit

from wechat.errors import Malformed, Refused, Unavailable
from wechat.http import Broken
from wechat.pay import limits
from wechat.pay.bill_rows import FUND_FLOWS, LONGEST_LINE, TRADES, Format, FundFlowRow, TradeRow, read_bill
from wechat.pay.config import BACKUP_BASE, BASE
from wechat.pay.gateway import Gateway, understood
from wechat.pay.results import Growing, word

MOST_BYTES = 2 * 1024**3
IN_MEMORY_BYTES = 4 * 1024**2
_PIECE = 256 * 1024
_DOWNLOAD = "/v3/billdownload/"
Row = TypeVar("Row")


class TradeBillKind(Growing):
    """What a trade bill lists."""

    ALL = "ALL"  # paid orders and refunds
    SUCCESS = "SUCCESS"  # paid orders only
    REFUND = "REFUND"  # refunds only, with their times
    OTHER = "OTHER"  # not known to this version


class Account(Growing):
    """Which of the merchant's accounts a fund-flow bill is of."""

    BASIC = "BASIC"  # the usual one
    OPERATION = "OPERATION"  # for paying out
    FEES = "FEES"  # for fees
    OTHER = "OTHER"  # not known to this version


class Bill(Generic[Row]):
    """A bill whose SHA-1 has been checked. Iterating streams its rows, one reader after another, and raises
    Malformed where they are not understood or do not add up to the summary; act only after the last row."""

    def __init__(self, file: BinaryIO | None, layout: Format[Row]) -> None:
        self._file = file
        self._layout = layout

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened on that day."""
        return self._file is None

    def __iter__(self) -> Iterator[Row]:
        if self._file is not None:
            self._file.seek(0)
            yield from read_bill(_lines(self._file), self._layout)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE + 1):
        yield line


class Bills:
    """Verbs around bills. WeChat has a day's from 10:00 (Beijing) of the next day on, for three months."""

    def __init__(self, gateway: Gateway, hosts: frozenset[str]) -> None:
        self._gateway = gateway
        self._hosts = hosts | {urlsplit(base).netloc for base in (BASE, BACKUP_BASE)}

    @contextmanager
    def trade_bill(self, day: date, *, kind: TradeBillKind = TradeBillKind.ALL) -> Iterator[Bill[TradeRow]]:
        """The payments and refunds of a day in Beijing; empty when there were none. Unavailable
        (STATEMENT_CREATING): ask again in half an hour; Unavailable also when the file comes damaged."""
        params = {"bill_date": day.isoformat(), "bill_type": kind.value, "tar_type": "GZIP"}
        with self._bill("pay.trade_bill", "/v3/bill/tradebill", params) as file:
            yield Bill(file, TRADES)

    @contextmanager
    def fund_flow_bill(self, day: date, *, account: Account = Account.BASIC) -> Iterator[Bill[FundFlowRow]]:
        """Every movement of an account on a day, fees, transfers and withdrawals too. Otherwise as
        `trade_bill`."""
        params = {"bill_date": day.isoformat(), "account_type": account.value, "tar_type": "GZIP"}
        with self._bill("pay.fund_flow_bill", "/v3/bill/fundflowbill", params) as file:
            yield Bill(file, FUND_FLOWS)

    @contextmanager
    def _bill(self, api: str, path: str, params: dict[str, str]) -> Iterator[BinaryIO | None]:
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            yield file if self._fetched(api, path, params, file) else None  # type: ignore[misc]  # is a BinaryIO

    def _fetched(
        self, api: str, path: str, params: dict[str, str], file: "tempfile.SpooledTemporaryFile[bytes]"
    ) -> bool:
        for last in (False, True):
            try:
                answer = self._gateway.read(api, path, params)
            except Refused as error:
                if error.code == "NO_STATEMENT_EXIST":
                    return False
                raise
            with understood(api, write=False):
                digest, target = word(answer, "hash_value").lower(), self._target(answer)
            file.seek(0)
            file.truncate()
            try:
                found = self._download(api, target, file)
            except (Refused, Unavailable):
                # The address lives for minutes at most: once more with a fresh one.
                if last:
                    raise
                continue
            if found == digest:
                return True
        raise Unavailable(api, "HASH", "the file is not the one that was announced")

    def _target(self, answer: dict[str, object]) -> str:
        # We go to our own base with its path, so that neither a signature nor a thread goes anywhere else.
        if word(answer, "hash_type").upper().replace("-", "") != "SHA1":
            raise Malformed("a bill with another kind of hash")
        try:
            parts = urlsplit(word(answer, "download_url"))
        except ValueError:
            raise Malformed("a bill at an address that is none") from None
        if parts.netloc not in self._hosts or not parts.path.startswith(_DOWNLOAD):
            raise Malformed("a bill at another address than WeChat Pay's")
        return f"{parts.path}?{parts.query}"

    def _download(self, api: str, target: str, file: "tempfile.SpooledTemporaryFile[bytes]") -> str:
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        with self._gateway.download(api, target) as pieces:
            try:
                for plain in _unzipped(pieces):
                    size += len(plain)
                    limits.demand(api, size <= MOST_BYTES, "a bill of more than 2 GB")
                    digest.update(plain)
                    file.write(plain)
            except Broken as error:
                raise Unavailable(api, error.code) from None
            except (zlib.error, EOFError):
                raise Unavailable(api, "ANSWER", "a file that does not unpack") from None
        return digest.hexdigest()


def _unzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The file as it was before gzip, in pieces of bounded size; a file that is not packed as it is."""
    first = next(pieces, b"")
    while len(first) < 2 and (more := next(pieces, b"")):
        first += more
    if first[:2] != b"\x1f\x8b":
        yield first
        yield from pieces
        return
    unpack = zlib.decompressobj(31)
    packed = first
    while packed:
        if unpack.eof:  # a gzip file may be several, one behind the other
            unpack = zlib.decompressobj(31)
        yield unpack.decompress(packed, _PIECE)
        packed = unpack.unconsumed_tail or unpack.unused_data or next(pieces, b"")
    while rest := unpack.decompress(b"", _PIECE):
        yield rest
    if not unpack.eof:
        raise EOFError
