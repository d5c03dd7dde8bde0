"""Files that are replaced in one stroke."""

# SPDX-License-Identifier: BSD-3-Clause

import os
import secrets
import shutil
from contextlib import suppress
from typing import Any


def check_target(path: Any) -> str:
    """Return the file to write, behind links; called before the work of making its content begins.

    Raises
    ------
    OSError
        If no file can be written there.
    """
    target = os.path.realpath(os.fsdecode(path))
    if os.path.isdir(target):
        raise IsADirectoryError(f"{target} is a folder; name a file in it.")
    if not os.path.isdir(os.path.dirname(target)):
        raise FileNotFoundError(f"The folder {os.path.dirname(target)} does not exist; make it first.")
    if os.path.exists(target) and not os.path.isfile(target):
        raise FileExistsError(f"{target} is no regular file and cannot be replaced by one.")
    return target


def replace_file(target: str, data: bytes) -> None:
    """Write a file such that, whatever interrupts it, its name stands for the old content or the new one, whole."""
    # In the same folder, since only within one file system a file can take the place of another at once.
    temporary = f"{target}.{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            # Otherwise the name may reach the disk before the content does.
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    # The new name has to reach the disk, too; not every system lets folders be opened.
    with suppress(OSError):
        folder = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
