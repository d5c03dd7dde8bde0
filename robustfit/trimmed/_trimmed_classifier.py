"""A classifier around any other: fitted on rows that agree with each other, with a guarded choice of which."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression

from robustfit._meta._hands_on import HandsOnScores
from robustfit._meta._labels import labels_and_classes
from robustfit._meta._warn import warn_caller
from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._responses import CLASSIFICATION_LOSSES, classifier_response
from robustfit.trimmed._base_trimmed import BaseTrimmed
from robustfit.trimmed._warnings import TrimmingWarning
from robustfit.trimmed._wrapper._judge import Judge
from robustfit.trimmed._wrapper._noise import Noise
from robustfit.trimmed._wrapper._starts import plan_starts
from robustfit.trimmed._wrapper._trimming import explore

# Shares tried for contamination="auto", each only kept if it is clearly better than the ones before.
_SHARES = (0.05, 0.1, 0.2, 0.3, 0.4)

# Fits about as good as the chosen one that see more than this share of the rows otherwise are worth a word.
_DISSENT = 0.25


class TrimmedClassifier(HandsOnScores, ClassifierMixin, BaseTrimmed):
    """Fit a classifier on the rows that agree, leaving out a share that may be mislabelled.

    Which rows agree is asked of a *reference*: a strongly regularised logistic regression on rows of equal length,
    which no row pulls far. It alternates between fitting the rows kept and keeping those with the smallest losses, of
    all rows, within each class, or mostly of one. The whole estimator is then fitted to the rows kept, those that it
    believes come back, and it is fitted again. The reference also says which of these fits is taken, if any.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or pipeline with ``predict_proba`` or ``decision_function``; ``LogisticRegression()`` if None. A
        pipeline is fitted as a whole: its scaler never sees the rows that are left out.
    contamination : float or "auto", default=0.1
        Share of the rows (of the weight) that may be bad, in [0, 0.5). 0 is plain fitting. ``"auto"`` tries 5, 10, 20,
        30 and 40 %, and goes on only where that is clearly better.
    trim_by : {"auto", "global", "class"}, default="auto"
        ``"global"`` leaves out exactly that share, whatever the classes; ``"class"`` that share of each class.
        ``"auto"`` tries both, and with two classes also shares that differ. It leaves out the rows that contradict the
        rest, up to half as many again as given or none, and keeps all rows unless leaving some out is clearly better.
    loss : {"auto", "log_loss", "hinge"} or callable, default="auto"
        ``"log_loss"`` of ``predict_proba``, or, where there is none, ``"hinge"`` of ``decision_function``. A callable
        is given the codes of the labels and a table of shape (n_samples, n_classes), and returns one loss per row.
    evaluation : {"auto", "in_sample", "out_of_fold", "out_of_bag"}, default="auto"
        Which fits a row's loss is taken from. Learners that memorise would forgive every row that they were fitted on.
        ``"auto"`` is in sample for scikit-learn's linear models, naive Bayes and discriminants, out of bag for forests
        and bagging, else out of fold.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that are kept.
    n_starts : int or "auto", default="auto"
        The first so many starts. ``"auto"`` takes all in sample and three otherwise.
    n_folds : int, default=5
        Folds for ``"out_of_fold"``. A row's fold depends on that row alone.
    max_iter : int or "auto", default="auto"
        Fits for each start; ``"auto"`` is 20 in sample, 3 out of fold and 4 out of bag.
    warm_start : bool, default=True
        Begin each fit of ``LogisticRegression`` at the coefficients of the one before.
    max_copies : int, default=None
        Most rows that count of any neighbourhood of near-copies (with equal labels, in arrays of numbers; of equal rows
        in sparse matrices, frames and texts); the others are treated as rows of weight zero. The remedy against a tight
        cluster of bad rows, which trimming alone does not survive. Leave it None where good rows repeat by nature.
    random_state : int, default=0
        Seed of all that the estimator leaves open with ``random_state=None``, and salt of the folds. Non-negative.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on the rows of ``support_``.
    classes_ : ndarray of shape (n_classes,)
    support_ : ndarray of bool of shape (n_samples,)
        Rows that were kept; rows of weight zero, and copies left out, were not.
    losses_ : ndarray of shape (n_samples,)
        Loss of each row; NaN for rows of weight zero and copies left out.
    contamination_ : float
        Share of the weight that was left out.
    start_ : str
        What led here; ``"filtered"`` where the reference chose the rows, ``"untrimmed"`` if all were kept.
    history_ : list of dict
        For each start ``"start"``, ``"share"``, ``"objective"`` (the mean loss of the rows kept, after each fit) and
        ``"ended"``: ``"fixed"``, ``"cycle"``, ``"limit"`` or ``"failed"``, or ``"refit"`` where there are no such steps
        of the estimator but those of the reference, which come before.
    n_iter_ : int
        Fits beyond the one on all rows, those of the reference too.
    n_fits_ : int
        Fits of the estimator. In sample, at most ``n_iter_ + 1``.
    monotone_ : bool
        Whether the objective never rose on the way. It does not for a learner that minimises the loss itself; it may
        for others.
    evaluation_ : {"in_sample", "out_of_fold", "out_of_bag"}
    n_features_in_ : int
        Number of features; not set for texts.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if the estimator has no scores, ``min_per_class`` does not leave enough rows to leave out, or more
        losses are NaN than may be left out.

    Warns
    -----
    TrimmingWarning
        If fits that are about as good disagree on more than a quarter of the rows, a start ended early because the
        estimator could not be fitted, or a logistic regression has no penalty.

    See Also
    --------
    TrimmedRegressor : The same for numbers.
    robustfit.ensemble.PartitionClassifier : A vote with a certificate; may have this as its member.

    Notes
    -----
    From rows H concentration steps are θ ← fit(H), H ← the h rows with the smallest ℓ(θ; x_i, y_i). For a learner that
    minimises Σ_{i ∈ H} ℓ(θ; x_i, y_i) the objective Σ_{i ≤ h} ℓ_(i)(θ) never rises, and the steps end where H repeats.
    In a learner whose rows have unbounded influence the smallest trimmed loss can belong to the bad rows: flipped ones
    with long arms are fitted at the expense of good ones. The steps are therefore those of the reference. It scales the
    columns by median and interquartile range, cuts them at 3, brings each row to length 1, and is fitted with a penalty
    of 0.003 per row (of K classes, 0.006 / K); it leaves out 1.5 times the share. The estimator takes back each label
    that it finds no less than 1/9 as likely as any other (1/3 for learners that memorise; of scores, within 3/4 of a
    margin). With ``trim_by="global"`` or ``"class"`` it keeps those with the smallest losses instead, exactly as many
    as asked for, and steps from all rows compete. Where rows are no numbers, as texts outside a pipeline, there are
    only these.

    The fits are compared by the reference, fitted to the rows that each kept. The smallest mean loss of these rows
    decides, unless a fit is clearly worse (15 % and six standard errors of the paired difference) by a second measure:
    ½ (share of a class that is missed + share of the others taken for it), at the best threshold of the scores and
    averaged over the classes. All rows enter it, also those left out, each with a bounded amount, so that deleting a
    class gains nothing. With ``trim_by="auto"`` all rows are kept unless that loss is below 0.8 (for 10 %; 0.75 beyond
    13 %) of the one of as many rows by the reference fitted to all, or the second measure is better by two standard
    errors. Of a share that is given, rows are also left out if the reference then explains the rest better, by 5 % and
    2.5 standard errors, than the same steps do on labels drawn from the reference fitted to all rows and calibrated.
    Such labels are as noisy as random flips make them, whatever their share, but flips far from the boundary are no
    such noise, since the chance of a class cannot fall as its score rises. Where a learner that memorises foretells
    rows that it has not seen clearly better than the reference does, which happens if no plane separates the classes,
    its own measures, out of fold or out of bag, count.

    Trimming finds rows that contradict the rest. It cannot help where bad rows agree with each other better than good
    ones do: when a third of the rows farthest from the boundary are flipped, or more than half of a class, the model
    that the flips suggest fits better than the true one; the fewer rows per column and the more noise, the earlier.
    Rows with bad labels that no plane tells apart are seldom found. A row that is left out may be a rare but honest
    one. After trimming, ``predict_proba`` is over-confident: rows that the model is unsure of were left out.

    References
    ----------
    .. [1] P. J. Rousseeuw and K. Van Driessen, "Computing LTS Regression for Large Data Sets", Data Mining and
       Knowledge Discovery 12, 2006. The steps.
    .. [2] Y. Shen and S. Sanghavi, "Learning with Bad Training Data via Iterative Trimmed Loss Minimization", ICML
       2019.
    .. [3] F. R. Hampel, E. M. Ronchetti, P. J. Rousseeuw and W. A. Stahel, "Robust Statistics: The Approach Based on
       Influence Functions", Wiley, 1986. Why the influence of each row is bounded first.
    .. [4] P. Čížek, "Trimmed Likelihood-based Estimation in Binary Regression Models", Austrian Journal of Statistics
       35, 2006. Why trimming separates classes.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from robustfit.attacks import FarFlipAttack
    >>> from robustfit.trimmed import TrimmedClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> poisoned = FarFlipAttack().generate(X_train, y_train, budget=42)
    >>> plain = make_pipeline(StandardScaler(), LogisticRegression())
    >>> round(plain.fit(poisoned.X, poisoned.y).score(X_test, y_test), 2)
    0.87
    >>> trimmed = TrimmedClassifier(plain).fit(poisoned.X, poisoned.y)
    >>> round(trimmed.score(X_test, y_test), 2)
    0.98
    >>> int((trimmed.support_ & poisoned.is_poison).sum())
    0
    """

    _parameter_constraints: dict = {
        **BaseTrimmed._parameter_constraints,
        "trim_by": [StrOptions({"auto", "global", "class"})],
        "loss": [StrOptions({"auto", *CLASSIFICATION_LOSSES}), callable],
        "min_per_class": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0, 1, closed="both")],
    }

    _inner_type = "classifier"

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.1,
        trim_by="auto",
        loss="auto",
        evaluation="auto",
        min_per_class=0.5,
        n_starts="auto",
        n_folds=5,
        max_iter="auto",
        warm_start=True,
        max_copies=None,
        random_state=0,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.trim_by = trim_by
        self.loss = loss
        self.evaluation = evaluation
        self.min_per_class = min_per_class
        self.n_starts = n_starts
        self.n_folds = n_folds
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.max_copies = max_copies
        self.random_state = random_state

    def _default_estimator(self):
        return LogisticRegression()

    def _read_target(self, y, index):
        labels, self.classes_, _ = labels_and_classes(y, index)
        return labels[index], self.classes_

    def _choose_response(self, estimator):
        return classifier_response(estimator, self.loss, votes=self.evaluation_ != "in_sample")

    def _groups(self, data):
        return [np.flatnonzero(data.target == c) for c in range(len(data.classes))]

    def _starts(self, totals, *, referred):
        return plan_starts(self.trim_by, totals, referred=referred, held_out=self.evaluation_ != "in_sample")

    def _settle(self, search, fits, trim, starts, max_iter):
        shares = _SHARES if self.contamination == "auto" else (self.contamination,)
        self._check_room(trim, shares[0], fits)
        run, guarded, exact = (
            search.full,
            self.trim_by == "auto" or self.contamination == "auto",
            self.trim_by != "auto",
        )
        in_sample = self.evaluation_ == "in_sample"
        judge = Judge(search, fits.data, trim, in_sample=in_sample, guarded=guarded)
        for share in shares:
            ends = explore(search, fits, trim, starts, share, max_iter, exact=exact)
            if ends:
                best = judge.best(ends)
                run = best if not guarded or judge.is_worth(best, run) else run
        # One share is asked about: the best of several would surpass noise by chance, or at the wrong share.
        if run is search.full and not exact and len(shares) == 1:
            run = self._beyond_noise(judge, search, fits, trim, starts) or run
        if in_sample:
            # Others differ from fit to fit anyway.
            self._warn_of_dissent(judge, run, search.ends)
        return run

    def _beyond_noise(self, judge, search, fits, trim, starts):
        """Return the best run whose rows the reference chose, if noise does not explain that it found them."""
        ends = [run for run in search.ends if run.way is not None]
        if not ends or not judge.referred:
            return None
        best = judge.best(ends)
        if not judge.referred:
            # The estimator foretells the rows better than the reference on all of these.
            return None
        noise = Noise(search, fits.data, trim, starts, self.min_per_class, fits.random_state)
        return best if noise.is_surpassed(best) else None

    def _check_room(self, trim, share, fits):
        asked, room = share * trim.weights.sum(), trim.most.sum()
        if isinstance(self.min_per_class, Integral) and asked >= 1 and room + 1e-9 * len(fits.data) < int(asked):
            raise ValueError(
                f"contamination={self.contamination} asks {asked:.4g} of {trim.weights.sum():.4g} rows out, but "
                f"min_per_class={self.min_per_class} leaves only {room:.4g} to choose from, "
                f"{dict(zip(self.classes_.tolist(), trim.most.round(3).tolist(), strict=True))} of the classes. Lower "
                "one of them."
            )

    def _warn_of_dissent(self, judge, run, ends):
        share = judge.dissent(run, ends)
        if share > _DISSENT:
            warn_caller(
                "Fits that left out other rows are about as good as the one that was taken, and see "
                f"{share:.0%} of the rows otherwise. Which rows are bad cannot be told from these data; "
                "have a look at losses_ and history_, or bring in rows that you trust.",
                TrimmingWarning,
            )
