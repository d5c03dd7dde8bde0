"""Warnings of the ensembles."""

# SPDX-License-Identifier: BSD-3-Clause


class PartitionWarning(UserWarning):
    """The shards are too small for the members to learn much."""


class MemberWarning(UserWarning):
    """Some members could not be fitted and abstain."""
