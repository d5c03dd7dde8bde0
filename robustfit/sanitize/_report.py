"""What was done to each row and why, as columns and as a frame."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

_DONE = {"drop": "dropped", "weight": "weighted down", "relabel": "relabelled"}
_ABSENT = "sample_weight is zero"


def report_columns(verdict, labels, present, groups, action):
    """Return what was done to each row.

    Parameters
    ----------
    verdict : Verdict
        Of the rows that are present.
    labels : ndarray of shape (n_samples,)
        Labels or numbers of all rows, as they were given.
    present : ndarray of shape (n_samples,), bool
        Rows whose weight is not zero.
    groups : list of ndarray
        Positions of the rows of each class, among those that are present.
    action : {"drop", "weight", "relabel"}

    Returns
    -------
    columns : dict of str to ndarray of shape (n_samples,)
    """

    def of_all(values, absent):
        found = np.full(len(present), absent, dtype=np.asarray(values).dtype)
        found[present] = values
        return found

    columns = {
        "row": np.arange(len(present)),
        "label": labels,
        "score": of_all(verdict.scores, np.nan),
        "threshold": of_all(verdict.thresholds(groups), np.nan),
        "kept": of_all(verdict.kept, False),
    }
    done = np.where(verdict.kept, "", _DONE[action]).astype(object)
    if action == "relabel":
        done[verdict.relabelled(labels[present]) == labels[present]] = ""
    columns["action"] = of_all(done, _DONE["drop"])
    columns["reason"] = of_all(verdict.reasons, _ABSENT)
    if action == "weight":
        columns["weight"] = of_all(verdict.factors(), 0.0)
    if verdict.suggested is not None:
        columns["suggested_label"] = labels.copy()
        columns["suggested_label"][present] = verdict.suggested
    return columns


def report_frame(columns):
    """Return the columns as a pandas frame.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError('report() needs pandas; install it with: pip install "robustfit[parquet]"') from error
    return pd.DataFrame(columns)
