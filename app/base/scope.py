"""What part of the brand somebody may see: all of it, one legal entity, or one store."""

from dataclasses import dataclass

from app.base.errors import NotFound


@dataclass(frozen=True, slots=True)
class Scope:
    """``entity`` and ``store`` are codes; None does not narrow. Both None = the whole brand."""

    entity: str | None = None
    store: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is out of sight."""
        return self.entity is None and self.store is None

    def covers(self, *, entity: str, store: str | None) -> bool:
        """Whether a row of that entity and store is within it. A row of no store belongs to the entity."""
        return self.entity in (None, entity) and self.store in (None, store)

    def require(self, *, entity: str, store: str | None, detail: str = "") -> None:
        """Refuses what it does not cover as if it were not there (NotFound).

        Give the ``detail`` that a missing row gets: the two answers must not differ.
        """
        if not self.covers(entity=entity, store=store):
            raise NotFound("NOT_FOUND", detail)
