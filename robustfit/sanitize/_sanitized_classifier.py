"""A classifier around any other, fitted on the rows that a sanitizer lets pass."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression

from robustfit._meta._hands_on import HandsOnScores
from robustfit._meta._labels import labels_and_classes
from robustfit._sklearn import StrOptions
from robustfit.sanitize._base_sanitized import BaseSanitized


class SanitizedClassifier(HandsOnScores, ClassifierMixin, BaseSanitized):
    """Fit a classifier without the rows that a sanitizer finds suspicious.

    What a pipeline cannot do: leave rows out. The sanitizer is fitted first, on all rows; the whole estimator, its
    scalers and encoders included, is then fitted on those that it keeps.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or pipeline; ``LogisticRegression()`` if None.
    sanitizer : sanitizer, default=None
        Anything with ``fit(X, y)`` that has ``support_`` and ``scores_`` afterwards: one of `robustfit.sanitize`, a
        `SanitizerChain`, or a pipeline that ends in one, such as ``make_pipeline(RobustScaler(), SphereSanitizer())``.
        What Notes describe if None. It is given the rows as numbers, see there.
    action : {"drop", "weight", "relabel"}, default="drop"
        What happens to suspicious rows: they are left out; they count for a tenth, for an estimator (or the last step
        of a pipeline) that takes ``sample_weight``; or they get the label that the sanitizer suggests, if it has
        ``suggested_labels_``. Of a chain or union it is the one that leaves the row out which suggests; if that has
        nothing to suggest, the label stays.
    contamination : float, default=0.05
        Share of the rows, in [0, 0.5), that may be bad, for the default sanitizer. One that is passed has its own.
    random_state : int, default=0
        Seed of the default sanitizer, and of all that a sanitizer and the estimator leave open with
        ``random_state=None``. Non-negative.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on the rows of ``support_``; on all rows unless ``action="drop"``.
    classes_ : ndarray of shape (n_classes,)
    support_ : ndarray of shape (n_samples,), bool
        Rows that are not suspicious, or that stay for the sake of their class; rows of weight zero are not among them.
    scores_ : ndarray of shape (n_samples,)
        What the sanitizer thinks of each row, higher is more suspicious; NaN for rows of weight zero.
    contamination_ : float
        Share of the rows (of those whose weight is not zero) that are not in ``support_``.
    sanitizer_ : sanitizer
        Fitted on the rows as numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    Raises
    ------
    ValueError
        From ``fit``, if rows of only one class are there, the rows are texts that no step turns into numbers, labels
        are asked for that the sanitizer does not suggest, or the sanitizer cannot work with the rows.
    TypeError
        From ``fit``, if weights are wanted and the estimator takes none, or what is passed is no sanitizer.

    See Also
    --------
    SanitizedRegressor : The same for numbers.
    robustfit.trimmed.TrimmedClassifier : Lets the estimator, or a reference beside it, judge the rows instead.
    robustfit.ensemble.PartitionClassifier : A vote with a certificate; may have this as its member.

    Notes
    -----
    Without a sanitizer, four stages leave rows out, each of what those before it left. First near-copies of different
    labels (`ContradictionSanitizer`). Then groups of rows whose label hangs on a rare value (`ShortcutSanitizer`). Both
    may leave out five times `contamination`, at most a quarter of the rows, since the evidence is in what rows have in
    common; of clean rows hardly any go. Third the rows that `DuplicateSanitizer`, `LeaveClusterOutSanitizer` (asked for
    twice the share, since it takes rows back), `InfluenceSanitizer` (where there are ten rows for each coefficient) or
    `SpectralSanitizer` with ``mode="signature"`` leaves out, each told `contamination`; of these come back those that a
    model of the others gives a probability of 0.35 for their label, see `UnionSanitizer`. Each finds poison that the
    others let pass: copies under another label, backdoors, repeated rows, contradicted labels, rows that harm. What
    they leave out can be more than `contamination` of the rows; of clean rows most come back. Last, crowds of rows that
    a model half believes, more than there should be (`CalibrationSanitizer`, told `contamination`, around that union):
    it sees rows in the lengths in which the estimator does. The sanitizer is a `SanitizerChain`.

    All of them look at rows with linear models. Around an estimator that is not one of `sklearn.linear_model`, or of
    their kind, a row that the third or last stage leaves out also comes back if a forest of the others gives its label
    0.35, and that chain is the first of two in a `FallbackSanitizer`: where a forest avoids 15 % of the mistakes that
    linear models make on the rows that it keeps, a second chain is asked. Contradictions are judged by the forest;
    shortcuts (at most `contamination`) and repeats come back if a forest of the others gives their label 0.35; then
    rows go to which a forest that has not seen them gives less than that, at most `contamination`. It finds random
    flips and copies under another label, few of the flips that agree with each other.

    No class is deleted: of each class stay as many rows as ``min_per_class`` of the sanitizer says, the least
    suspicious ones, also where it leaves out by a threshold, and at least one.

    Of m suspicious rows the one with rank r among them, the most suspicious one first, has its weight multiplied by
    ``0.2 r / (m + 1)`` with ``action="weight"``: a tenth on average, and never zero, since learners differ in what they
    make of weights of zero.

    Numbers are what the last step of a pipeline is given, also of a pipeline inside a search; its earlier steps are
    fitted to all rows for that, and again to those that are kept. Without a pipeline the columns count as they are;
    columns of texts and categories become indicators (of the 30 most frequent ones each, and of all others), next to
    numbers scaled by median and median absolute deviation. Missing values are medians of their column. The estimator is
    given the rows as they came.

    A filter is no guarantee: poison that looks like clean rows passes. `robustfit.audit.certify_damage` bounds what it
    can do; around a `~robustfit.ensemble.PartitionClassifier` this estimator voids the certificate, inside it does not.
    On clean rows the least typical ones are lost. A row that is left out may be a rare but honest one: look at
    `report`.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from robustfit.attacks import FarFlipAttack
    >>> from robustfit.sanitize import SanitizedClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> poisoned = FarFlipAttack().generate(X_train, y_train, budget=30)
    >>> plain = make_pipeline(StandardScaler(), LogisticRegression())
    >>> round(plain.fit(poisoned.X, poisoned.y).score(X_test, y_test), 2)
    0.89
    >>> sanitized = SanitizedClassifier(plain, contamination=0.1).fit(poisoned.X, poisoned.y)
    >>> sanitized.score(X_test, y_test) > 0.95
    True
    >>> report = sanitized.report()
    >>> int((report["action"] == "dropped")[poisoned.is_poison].sum()) >= 28
    True
    """

    _inner_type = "classifier"

    _parameter_constraints: dict = {
        **BaseSanitized._parameter_constraints,
        "action": [StrOptions({"drop", "weight", "relabel"})],
    }

    def _default_estimator(self):
        return LogisticRegression()

    def _read_target(self, y, index):
        labels, self.classes_, codes = labels_and_classes(y, index)
        if len(self.classes_) < 2:
            raise ValueError(
                "SanitizedClassifier needs rows of two classes or more whose sample_weight is not zero, got one class: "
                f"{self.classes_.tolist()}."
            )
        return labels, codes

    def _groups(self, codes):
        return [np.flatnonzero(codes == code) for code in range(len(self.classes_))]
