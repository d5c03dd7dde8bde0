"""From which fits a row's loss is taken: its own would forgive what the learner has memorised."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.trimmed._wrapper._fits import last_step

EVALUATIONS = ("in_sample", "out_of_fold", "out_of_bag")

# Learners whose shape one row cannot bend.
_STIFF = ("sklearn.linear_model", "sklearn.naive_bayes", "sklearn.discriminant_analysis")

# Starts and fits per start. One that is not in sample costs several fits, and its losses move little between them.
_STARTS = {"in_sample": 8, "out_of_fold": 3, "out_of_bag": 3}
_ITERATIONS = {"in_sample": 20, "out_of_fold": 3, "out_of_bag": 4}


def choose_evaluation(estimator, evaluation):
    """Choose by the estimator's class and parameters, never by the data.

    Raises
    ------
    ValueError
        If there are no rows out of bag.
    """
    last = last_step(estimator)
    bags = hasattr(last, "oob_score") and getattr(last, "bootstrap", False) and not getattr(last, "warm_start", False)
    if evaluation == "out_of_bag" and not bags:
        raise ValueError(
            f"evaluation='out_of_bag' needs a forest or bagging with bootstrap=True, got {type(last).__name__}. Use "
            "'out_of_fold', which any estimator takes."
        )
    if evaluation != "auto":
        return evaluation
    if bags:
        return "out_of_bag"
    return "in_sample" if is_stiff(last) else "out_of_fold"


def is_stiff(estimator):
    """Whether an estimator is, or derives from, a linear model, naive Bayes or a discriminant of scikit-learn."""
    return any(base.__module__.startswith(_STIFF) for base in type(estimator).__mro__)


def effort(n_starts, max_iter, evaluation):
    """Return the number of starts and of fits for each, resolving ``"auto"``."""
    return (
        _STARTS[evaluation] if n_starts == "auto" else n_starts,
        _ITERATIONS[evaluation] if max_iter == "auto" else max_iter,
    )
