"""A versioned 64-bit hash of rows: equal content gives equal digests, in any container, on any machine.

The digest of a row of cells ``v_1 .. v_d`` is ``mix(k_0 + Σ_j [mix(v_j ^ k_j) − mix(k_j)] mod 2^64)`` where ``v_j`` is
the 64-bit code of a cell (the float64 bit pattern of a number), ``k_0`` and ``k_j`` are keys of the row and of column
``j`` derived from the salt, and ``mix`` is the finaliser of SplitMix64. A zero adds nothing, so a sparse row
costs its non-zeros only.
"""

# SPDX-License-Identifier: BSD-3-Clause

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

HASH_VERSION = 1
"""Changes whenever a digest changes; stored with everything that depends on digests."""

Codes = NDArray[np.uint64]

# Temporaries of this many elements stay in the second-level cache.
_BLOCK_ELEMENTS = 1 << 15
_GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_NAN_CODE = np.float64(np.nan).view(np.uint64)


def digest_bytes(data: bytes) -> int:
    """Return a 64-bit digest of bytes."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def mix(codes: Codes) -> Codes:
    """Scramble 64-bit codes in place (the finaliser of SplitMix64) and return them."""
    spare = np.empty_like(codes)
    for shift, multiplier in zip(_SHIFTS, (*_MULTIPLIERS, None), strict=True):
        np.right_shift(codes, shift, out=spare)
        np.bitwise_xor(codes, spare, out=codes)
        if multiplier is not None:
            np.multiply(codes, multiplier, out=codes)
    return codes


def salt_keys(n_columns: int, salt: int) -> tuple[Codes, Codes]:
    """One key per column position, and one for the row; more columns start with the keys of fewer."""
    start = np.uint64(digest_bytes(f"robustfit row hash {HASH_VERSION}, salt {salt}".encode()))
    steps = np.arange(n_columns + 1, dtype=np.uint64)
    keys = mix(start + steps * _GOLDEN_GAMMA)
    return keys[1:], keys[:1]


def float_codes(values: NDArray[Any]) -> Codes:
    """Bit patterns of numbers as float64, with one zero and one NaN. Always a new array."""
    # Adding +0.0 turns -0.0 into +0.0 and copies.
    numbers = np.add(values, 0.0, dtype=np.float64, casting="unsafe")
    codes: Codes = numbers.view(np.uint64)
    missing = np.isnan(numbers)
    if missing.any():
        codes[missing] = _NAN_CODE
    return codes


def hash_dense(X: NDArray[np.float64], salt: int) -> Codes:
    """Digest each row of a dense array of numbers.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    salt : int

    Returns
    -------
    digest : ndarray of shape (n_samples,), uint64
    """
    n_samples, n_columns = X.shape
    keys, row_key = salt_keys(n_columns, salt)
    origin = mix(keys.copy()).sum(keepdims=True) - row_key
    digest = np.empty(n_samples, dtype=np.uint64)
    step = max(1, _BLOCK_ELEMENTS // max(n_columns, 1))
    for start in range(0, n_samples, step):
        codes = float_codes(X[start : start + step])
        codes ^= keys
        digest[start : start + step] = mix(codes).sum(axis=1)
    return mix(digest - origin)


def hash_sparse(data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], n_columns: int, salt: int) -> Codes:
    """Digest each row of a CSR matrix without duplicate entries; equals `hash_dense` of the same rows."""
    keys, row_key = salt_keys(n_columns, salt)
    empty = mix(keys.copy())
    totals = np.zeros(len(data) + 1, dtype=np.uint64)
    for start in range(0, len(data), _BLOCK_ELEMENTS):
        part = slice(start, start + _BLOCK_ELEMENTS)
        columns = indices[part]
        codes = float_codes(data[part])
        codes ^= keys[columns]
        totals[1:][part] = mix(codes) - empty[columns]
    # Sums wrap around, so a difference of running sums is the sum of the row.
    running = np.cumsum(totals, dtype=np.uint64)
    return mix(running[indptr[1:]] - running[indptr[:-1]] + row_key)


def hash_columns(columns: Iterable[Codes], n_samples: int, n_columns: int, salt: int) -> Codes:
    """Digest rows whose cells are given column by column, as 64-bit codes."""
    keys, row_key = salt_keys(n_columns, salt)
    empty = mix(keys.copy())
    digest = np.full(n_samples, row_key)
    for codes, key, zero in zip(columns, keys, empty, strict=True):
        digest += mix(codes ^ key) - zero
    return mix(digest)
