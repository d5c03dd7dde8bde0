"""Poison made for the default of `SanitizedClassifier`, by somebody who knows its code, its seed and the clean rows.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/adaptive_poison.py [--sets spambase] [--far 5]

The default leaves rows out for several reasons, but two judges say which: a row comes back if a logistic model of rows
of length 1 believes its label, and stays away if it is one of more rows than are honest where a model that sees lengths
as the learner does half believes it. So the attack asks for one thing only: of the rows of the sphere and slab that
hold 90 % of each class, and whose label a judge believes to a given degree, take those that the learner does worst on.
One judge is the logistic model of rows of length 1; the other is the learner itself on clean rows, which knows lengths.
In the units of the judge this is a problem of one number per column, with three multipliers (length, slab, belief),
each found by bisection. Rows are added a few at a time, each time the learner is fitted anew (the greedy form of
min-max). For both judges, several degrees of belief, for one class or both, and once more with the judges that the
default ends with on the poisoned rows, the set is kept that does the most harm after the default, as the attacker sees
it: errors on thirds of the clean rows that the learner has not seen.

The learner is a linear SVM with hinge loss, poison 3 % of the clean rows, the default told 5 %. *kept*: share of the
poison that the default keeps; *other seeds*: largest test error where the defender's seed is not the one that was
attacked. Test rows are read once, by the errors of the table. *min-max*: the same learner under `MinMaxAttack`, which
knows the feasible sets and no defence; *best filter*: the smallest error that one of the filters of ``filters.py``
leaves there, *its bar*: half of that. With ``--far`` rows may lie so many times farther out than the feasible sets.
"""

import argparse
import time
import warnings
from itertools import product
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from attack_filters import mnist_17, spambase
from filters import FILTERS, kept
from sets import available, load
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.svm import LinearSVC

from robustfit import SanitizedClassifier
from robustfit.attacks import MinMaxAttack, sphere_slab_sets
from robustfit.certify import IntegerSphereSlab
from robustfit.sanitize import RowNormalizer

POISON = 0.03
DECAY = 0.01
CLIP = 3.0
MOST_COPIES_OF_WORD = 4
# Log-odds of the label under the model of rows of length 1, and margins of the learner. Several are taken in turn,
# batch by batch: rows of different margins are no crowd.
BELIEFS = ((-0.6,), (0.3,))
MARGINS = ((-2.0,), (-1.0,), (0.0,), (0.5,), (-1.0, -0.5, 0.0, 0.25, 0.5, 0.75))
SIDES = ((-1, 1), (-1,), (1,))
BATCHES = 24
FOLDS = 3
OTHER_SEEDS = (1, 2)


def sms_spam():
    """Word counts of short messages."""
    X, y = load("sms_spam")
    texts, y = np.array([str(text) for text in X], dtype=object), np.where(np.asarray(y).astype(int) == 1, 1, -1)
    train, test, y_train, y_test = train_test_split(texts, y, test_size=1574, stratify=y, random_state=0)
    words = CountVectorizer(max_features=5000).fit(train)
    return (
        words.transform(train).toarray().astype(float),
        y_train,
        words.transform(test).toarray().astype(float),
        y_test,
    )


SETS = {"spambase": spambase, "mnist": mnist_17, "sms_spam": sms_spam}


class Poison(NamedTuple):
    """Rows to add, and their labels."""

    X: np.ndarray
    y: np.ndarray


class Game:
    """One set, its learner, and where poison may lie."""

    def __init__(self, name, far):
        self.X, self.y, self.X_test, self.y_test = SETS[name]()
        self.counts, self.budget, self.far = name == "sms_spam", int(POISON * len(self.y)), far
        price = 1.0 if self.counts else 1 / (DECAY * len(self.y))
        self.learner = LinearSVC(loss="hinge", C=price, max_iter=4000)
        self.sets = sphere_slab_sets(self.X, self.y)
        self.none = Poison(np.zeros((0, self.X.shape[1])), np.zeros(0, dtype=int))

    def integer_sets(self):
        """What `MinMaxAttack` is told: the sets, of whole numbers for counts."""
        if not self.counts:
            return self.sets
        most = self.X.max(axis=0)
        return {
            label: IntegerSphereSlab(kept.center, kept.radius, kept.normal, kept.width, upper=most)
            for label, kept in self.sets.items()
        }

    def given(self, X):
        """Rows as learners get them."""
        return sp.csr_matrix(X) if self.counts else X

    def with_poison(self, poison):
        """The poisoned training set."""
        return np.vstack([self.X, poison.X]), np.append(self.y, poison.y)

    def keeps(self, poison, seed=0):
        """Mask of the rows that the default keeps."""
        X, y = self.with_poison(poison)
        # The default does not ask the learner: any will do.
        around = SanitizedClassifier(LogisticRegression(max_iter=1), contamination=0.05, random_state=seed)
        return around.fit(self.given(X), y).support_

    def fit(self, poison, keep):
        """The learner on the rows that are kept."""
        X, y = self.with_poison(poison)
        return clone(self.learner).fit(self.given(X[keep]), y[keep])

    def error(self, poison, keep):
        """Test error in percent."""
        return 100.0 * (1.0 - self.fit(poison, keep).score(self.given(self.X_test), self.y_test))

    def harm(self, poison, keep):
        """What the attacker sees of it: error on clean rows that the learner has not seen."""
        n = len(self.y)
        folds, errors = np.random.default_rng(0).integers(FOLDS, size=n), 0
        for fold in range(FOLDS):
            shown = keep.copy()
            shown[:n][folds == fold] = False
            # As much of the poison is held back as of the clean rows.
            shown[n:][np.arange(len(poison.y)) % FOLDS == fold] = False
            hidden = self.given(self.X[folds == fold])
            errors += np.count_nonzero(self.fit(poison, shown).predict(hidden) != self.y[folds == fold])
        return 100.0 * errors / n

    def judges(self, poison, keep):
        """Who the default asks, after poison, with the degrees to which rows may be believed."""
        X, y = self.with_poison(poison)
        normalizer = RowNormalizer().fit(self.given(X))
        rows, labels = normalizer.transform(self.given(X[keep])), y[keep]
        price = min(1.0 if normalizer.scale_ == "robust" else 0.1, 0.001 * len(y))
        model = LogisticRegression(C=1 / price, max_iter=500).fit(rows, labels)
        return (UnitJudge(model, normalizer), BELIEFS), (Judge(self.fit(poison, keep)), MARGINS)


class Judge:
    """A linear model, and the row that it believes while another model is most mistaken."""

    def __init__(self, model):
        self.weights, self.intercept = model.coef_.ravel(), float(model.intercept_[0])

    def score(self, x):
        """Above 0 for the label 1."""
        return x @ self.weights + self.intercept

    def worst(self, direction, label, belief, region, game):
        """Row of a sphere and slab with the largest product with a direction, among those whose label is believed.

        None if there is none.
        """
        radius, width = game.far * region.radius, game.far * region.width
        most = np.minimum(game.X.max(axis=0), MOST_COPIES_OF_WORD) if game.counts else None

        def on_sphere(slope, price):
            def row(rate):
                return self._by_column(slope, price * label, rate, region.center, most)

            return row(_least(lambda rate: np.linalg.norm(row(rate) - region.center) <= radius, 1e-6, 1e6, 32))

        def in_slab(price):
            found = on_sphere(direction, price)
            beyond = region.normal @ (found - region.center)
            if abs(beyond) <= width:
                return found
            side = np.sign(beyond) * region.normal
            reach = 4.0 * np.linalg.norm(direction) + 4.0 * price * np.linalg.norm(self._steepest())

            def cut(push):
                return on_sphere(direction - push * side, price)

            return cut(_least(lambda push: side @ (cut(push) - region.center) <= width, 1e-6 * reach, reach, 14))

        def believed(row):
            return label * self.score(row) >= belief

        free = in_slab(0.0)
        if believed(free):
            return free
        if not believed(in_slab(1e4)):
            return None
        price = _least(lambda price: believed(in_slab(price)), 1e-4, 1e4, 14)
        row = in_slab(price)
        if game.counts:
            return row
        # Where the learner is the judge, a little less makes all the difference: on the way there is the row.
        away = in_slab(0.998 * price) - row
        return row + away * (1.0 - _least(lambda share: believed(row + away * (1.0 - share)), 1e-6, 1.0, 14))

    def _steepest(self):
        return self.weights

    def _by_column(self, slope, price, rate, center, most):
        """Maximise ``slope·x + price·score(x) − rate/2 ‖x − center‖²``."""
        slope = slope + price * self.weights
        if most is None:
            return center + slope / rate
        return _best_counts(lambda number: slope * number, rate, center, most)


class UnitJudge(Judge):
    """A linear model of rows of length 1."""

    def __init__(self, model, normalizer):
        super().__init__(model)
        self.counts = normalizer.scale_ == "log1p"
        if not self.counts:
            self.center, self.width = normalizer.center_, normalizer.width_

    def score(self, x):
        """Log-odds of the label 1."""
        z = np.log1p(x) if self.counts else self._cut(x)
        return z @ self.weights / max(np.linalg.norm(z), 1e-9) + self.intercept

    def _cut(self, x):
        return np.clip((x - self.center) / self.width, -CLIP, CLIP)

    def _steepest(self):
        return self.weights if self.counts else self.weights / self.width

    def _by_column(self, slope, price, rate, center, most):
        """The same for the score before rows are brought to length 1."""
        pull = price * self.weights
        if most is not None:
            return _best_counts(lambda number: slope * number + pull * np.log1p(number), rate, center, most)

        def value(x):
            return slope * x - 0.5 * rate * (x - center) ** 2 + pull * self._cut(x)

        reach = CLIP * self.width
        beyond = center + slope / rate
        inside = np.clip(center + (slope + pull / self.width) / rate, self.center - reach, self.center + reach)
        return np.where(value(beyond) > value(inside), beyond, inside)


def _best_counts(gain, rate, center, most):
    """For each column the whole number x up to some of largest ``gain(x) − rate/2 (x − center)²``."""
    found, best = np.zeros(len(center)), np.zeros(len(center))
    for number in range(1, MOST_COPIES_OF_WORD + 1):
        value = gain(number) - 0.5 * rate * (number**2 - 2.0 * center * number)
        better = (value > best) & (number <= most)
        found, best = np.where(better, number, found), np.where(better, value, best)
    return found


def _least(holds, low, high, steps):
    """Smallest number, by halving the range of its logarithm, for which something holds that holds for large ones."""
    for _ in range(steps):
        middle = np.sqrt(low * high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def greedy(game, judge, beliefs, sides):
    """Add the believed rows that the learner, fitted to those before, does worst on; None if there are none."""
    poison, step = game.none, -(-game.budget // BATCHES)
    while len(poison.y) < game.budget:
        model = game.fit(poison, np.ones(len(game.y) + len(poison.y), dtype=bool))
        weights, found, belief = model.coef_.ravel(), [], beliefs[len(poison.y) // step % len(beliefs)]
        for label in sides:
            row = judge.worst(-label * weights, label, belief, game.sets[label], game)
            if row is not None:
                found.append((1.0 - label * (row @ weights + model.intercept_[0]), label, row))
        if not found:
            return None
        _, label, row = max(found, key=lambda candidate: candidate[0])
        more = min(step, game.budget - len(poison.y))
        poison = Poison(np.vstack([poison.X, np.tile(row, (more, 1))]), np.append(poison.y, np.full(more, label)))
    return poison


def attack(game):
    """The set that does the most harm after the default, for the attacker's eyes."""
    judges, best = game.judges(game.none, np.ones(len(game.y), dtype=bool)), None
    for _ in range(2):
        for sides, (judge, degrees) in product(SIDES, judges):
            for beliefs in degrees:
                poison = greedy(game, judge, beliefs, sides)
                if poison is None:
                    continue
                keep = game.keeps(poison)
                harm = game.harm(poison, keep)
                if best is None or harm > best[0]:
                    best = harm, poison, keep
        judges = game.judges(*best[1:])
    return best[1:]


def line(game):
    """What is measured on one set."""
    n, everything = len(game.y), np.ones(len(game.y), dtype=bool)
    found = {"clean": game.error(game.none, everything), "default, clean": game.error(game.none, game.keeps(game.none))}
    plain = MinMaxAttack(clone(game.learner), feasible_set=game.integer_sets(), n_steps=200)
    poisoned = plain.generate(game.X, game.y, budget=game.budget)
    plain = Poison(poisoned.X[n:], poisoned.y[n:])
    found["min-max"] = game.error(plain, np.ones(n + game.budget, dtype=bool))
    found["best filter"] = min(
        game.error(plain, kept(name, *game.with_poison(plain), game.learner)) for name in FILTERS
    )
    found["its bar"] = found["best filter"] / 2.0
    found["min-max, default"] = game.error(plain, game.keeps(plain))
    poison, keep = attack(game)
    found["adaptive"] = game.error(poison, np.ones(len(keep), dtype=bool))
    found["adaptive, default"] = game.error(poison, keep)
    found["kept"] = np.mean(keep[n:])
    found["other seeds"] = max(game.error(poison, game.keeps(poison, seed)) for seed in OTHER_SEEDS)
    if game.far == 1.0:
        found["outside"] = max(
            game.sets[label].violation(poison.X[poison.y == label]).max(initial=0) for label in (-1, 1)
        )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--far", type=float, default=1.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in filter(available, options.sets):
        start = time.process_time()
        found = line(Game(name, options.far)) | {"seconds": time.process_time() - start}
        print(name + "".join(f"\n  {label:<20}{value:>8.2f}" for label, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
