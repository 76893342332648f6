"""Reads a snapshot from a .tgz file in memory; it writes nothing to disk."""

from __future__ import annotations

import gzip
import posixpath
import tarfile
import zlib
from pathlib import Path

from fluxdoctor.model.gaps import FileScope, Gap, GapReason

#: Bytes. A fleet of 20,000 objects has 34 MB.
MAX_FILE = 48 << 20
MAX_TOTAL = 256 << 20
_MAX_UNPACKED = 1 << 30  # bytes, with what is skipped: a limit on time
_MAX_HEADER = 64 << 10  # bytes; tarfile reads the long name of a member into memory as a whole
_MOST_MEMBERS = 500_000
_NOT_A_FILE = "not a regular file, or outside the snapshot: skipped"


class SnapshotError(Exception):
    """A folder or archive is not a readable snapshot; the text says what is wrong and in which file."""


class _Member(tarfile.TarInfo):
    """A member whose name and attributes are of a sane length."""

    _HEADERS = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in self._HEADERS and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def read(path: Path, gaps: list[Gap]) -> dict[str, bytes]:
    """Return the files of an archive. Raises SnapshotError if it is not a .tgz.

    A member that is not a regular file becomes a gap. A truncated archive gives the files before the cut, and a gap.
    """
    files: dict[str, bytes] = {}
    total = unpacked = 0
    try:
        with gzip.open(path) as decompressed, tarfile.open(fileobj=decompressed, mode="r|", tarinfo=_Member) as archive:
            for count, member in enumerate(archive):
                name = posixpath.normpath(member.name)
                unpacked += member.size
                total += member.size if member.size <= MAX_FILE else 0
                if count >= _MOST_MEMBERS or total > MAX_TOTAL or unpacked > _MAX_UNPACKED:
                    gaps.append(
                        Gap(
                            FileScope("cluster/"),
                            GapReason.TOO_LARGE,
                            f"{path.name} is too large: the rest was not read",
                        )
                    )
                    break
                if member.isdir():
                    continue
                if not member.isreg() or name.startswith(("/", "..")):
                    gaps.append(Gap(FileScope(name), GapReason.NOT_COLLECTED, _NOT_A_FILE))
                elif member.size > MAX_FILE:
                    gaps.append(Gap(FileScope(name), GapReason.TOO_LARGE, f"too large: {member.size} bytes"))
                else:
                    content = archive.extractfile(member)
                    files[name] = content.read() if content else b""
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        if not files:
            raise SnapshotError(
                f"{path}: neither a snapshot folder nor a snapshot .tgz ({type(error).__name__})"
            ) from None
        why = f"{path.name} is damaged or truncated: everything after {max(files)} is missing"
        gaps.append(Gap(FileScope("cluster/"), GapReason.MALFORMED, why))
    return _strip_top_folder(files)


def _strip_top_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Remove the single top folder of an archive that was created by hand."""
    tops = {name.partition("/")[0] for name in files}
    if "snapshot.yaml" in files or len(tops) != 1:
        return files
    top = tops.pop()
    return {name.removeprefix(f"{top}/"): content for name, content in files.items()}
