"""How a store is written down: one JSON object a line, in files that can be read without a database."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from origin.ports import Asset, AssetVersion, Revocation, User

FORMAT: Final = 1
"""Counts up when an export could no longer be read by the version of origin before."""

# As much as both databases keep: what is read must not fail when it is written.
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Size = Annotated[int, Field(ge=0, le=2**63 - 1)]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Id = Annotated[str, Field(pattern="^[A-Za-z0-9-]{1,64}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """One line of ``FILE``, or a part of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, from_attributes=True)

    FILE: ClassVar[str] = ""

    @classmethod
    def of(cls, value: Asset | User | Revocation) -> Self:
        return cls.model_validate(value)

    def fields(self) -> dict[str, Any]:
        """The values of the fields, as they are."""
        return dict(self)


class VersionRecord(Record):
    """An AssetVersion."""

    number: Annotated[Count, Field(ge=1)]
    sha256: Sha256
    bytes: Size
    format: Text
    width: Count
    height: Count
    frames: Count
    has_alpha: bool
    orientation: Annotated[int, Field(ge=1, le=8)]
    created: AwareDatetime
    thumbhash: Text | None
    dominant_color: Text | None
    purged: bool

    def value(self) -> AssetVersion:
        return AssetVersion(**self.fields())


class AssetRecord(Record):
    """An Asset with all its versions, deleted or not."""

    FILE: ClassVar[str] = "assets.jsonl"

    id: Id
    owner: Text | None
    visibility: Literal["public", "private"]
    current: VersionRecord
    older: tuple[VersionRecord, ...]
    purges: Count
    created: AwareDatetime
    deleted: AwareDatetime | None
    focus: tuple[Fraction, Fraction] | None
    tags: tuple[Text, ...]

    @model_validator(mode="after")
    def _numbered_once(self) -> Self:
        numbers = [version.number for version in (self.current, *self.older)]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two versions have one number")
        return self

    def value(self) -> Asset:
        older = sorted((version.value() for version in self.older), key=lambda v: v.number, reverse=True)
        return Asset(**self.fields() | {"current": self.current.value(), "older": tuple(older)})


class UserRecord(Record):
    """A User."""

    FILE: ClassVar[str] = "users.jsonl"

    id: Text
    email: Text
    password_hash: Text
    created: AwareDatetime

    def value(self) -> User:
        return User(**self.fields())


class RevocationRecord(Record):
    """A Revocation."""

    FILE: ClassVar[str] = "revocations.jsonl"

    token: Sha256
    expires: AwareDatetime

    def value(self) -> Revocation:
        return Revocation(**self.fields())


class Counts(Record):
    """What an export holds; ``originals`` and their ``bytes`` without repetition."""

    assets: Size = 0
    versions: Size = 0
    users: Size = 0
    revocations: Size = 0
    originals: Size = 0
    bytes: Size = 0


class FileRecord(Record):
    """What a file of lines must be."""

    bytes: Size
    sha256: Sha256


class Manifest(Record):
    """Written last: a folder without it holds no finished export."""

    FILE: ClassVar[str] = "manifest.json"

    format: int
    created: AwareDatetime
    counts: Counts
    files: dict[str, FileRecord]


LINES: Final = (AssetRecord, UserRecord, RevocationRecord)
"""Every kind of record that has a file of its own."""
