"""What every table shares: naming of constraints, column kinds, and enums stored by value."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Enum, Identity, MetaData, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of all tables. int is BIGINT (money in fen, ids), datetime is timestamptz, str is text."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        str: TEXT(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: ARRAY(TEXT()),
    }


RowId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
RecordedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


def choice(kind: type[StrEnum]) -> Enum:
    """A column type that stores the value of a StrEnum as text and refuses any other in the database."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )
