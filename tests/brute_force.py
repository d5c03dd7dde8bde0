"""The meaning of the certificates by trying everything an attacker could do; small sizes only.

Votes are class codes, −1 abstains. A controlled voter may vote for any class, for a label nobody knows
(code ``n_classes`` here, which wins every tie) or abstain. Doubtful voters are the attacker's for nothing.
"""

from functools import cache
from itertools import combinations, product

import numpy as np


@cache
def ways(n_voters, n_options):
    """All ways to spread voters over options, one row each."""
    if n_options == 1:
        return np.array([[n_voters]])
    return np.vstack(
        [np.column_stack([np.full(len(rest), first), rest])
         for first in range(n_voters + 1)
         for rest in [ways(n_voters - first, n_options - 1)]]
    )  # fmt: skip


def winners(counts, n_classes):
    """Winner of each row of vote counts; the last column is the unseen label, which wins ties."""
    best = counts.max(axis=1)
    known = counts[:, :n_classes].argmax(axis=1)
    unseen = (counts[:, n_classes] == best) & (best > 0)
    return np.where(unseen, n_classes, np.where(best > 0, known, 0))


def tally(votes, n_classes):
    """Votes per class, for the unseen label, and abstentions (last)."""
    table = np.zeros(n_classes + 2, dtype=int)
    for vote in votes:
        table[n_classes + 1 if vote == -1 else vote] += 1
    return table


def reachable(votes, doubtful, n_classes, r, unseen_class):
    """Every prediction that an attacker with r firm voters and all doubtful ones can force."""
    firm = tally([v for v, unsure in zip(votes, doubtful, strict=True) if not unsure], n_classes)
    free = min(r, firm.sum()) + sum(doubtful)
    found = set()
    spread = ways(free, n_classes + 2)
    if not unseen_class:
        spread = spread[spread[:, n_classes] == 0]
    for bought in ways(min(r, firm.sum()), n_classes + 2):
        if np.all(bought <= firm):
            found |= set(winners((firm - bought + spread)[:, : n_classes + 1], n_classes).tolist())
    return found


def true_radii(votes, doubtful, n_classes, unseen_class):
    """Prediction, its radius, and the radius of each class and of the unseen label (last)."""
    cast = tally(votes, n_classes)[: n_classes + 1]
    prediction = int(winners(cast[None, :], n_classes)[0])
    radius, rivals = None, [None] * (n_classes + 1)
    for r in range(len(votes) + 1):
        found = reachable(votes, doubtful, n_classes, r, unseen_class)
        if radius is None and found != {prediction}:
            radius = r - 1
        for rival in found:
            rivals[rival] = r - 1 if rivals[rival] is None else rivals[rival]
    top = len(votes)
    return prediction, top if radius is None else radius, [top if r is None else r for r in rivals]


def median(values):
    """Median of what is not None: the mean of the middle two, 0.0 if nothing is left."""
    kept = sorted(v for v in values if v is not None)
    if not kept:
        return 0.0
    return 0.5 * kept[(len(kept) - 1) // 2] + 0.5 * kept[len(kept) // 2]


def true_interval(predictions, r):
    """Lowest and highest median over every choice of r members and of what they say."""
    medians = []
    for bought in combinations(range(len(predictions)), min(r, len(predictions))):
        for said in product((-np.inf, np.inf, None), repeat=len(bought)):
            changed = list(predictions)
            for member, value in zip(bought, said, strict=True):
                changed[member] = value
            middle = median(changed)
            # The mean of −inf and +inf can be made anything.
            medians += [-np.inf, np.inf] if np.isnan(middle) else [middle]
    return min(medians), max(medians)
