"""What added rows do to a model: by the bound that none exceeds, or by rows that were found."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.certify._damage._game import Answer, Floats, Game
from robustfit.certify._damage._minimize import Reply

_CLIMB = 10
_STARTS = 3


def by_bound(game: Game, theta: Floats) -> list[Reply]:
    """Reply with the bound of each label; its tangent is that of a row where the bound is attained."""
    replies = []
    for answer in game.answers(theta):
        if game.learner.loss.exact:
            row = answer.points[int(answer.pull.argmax())], answer.target
            replies.append(Reply(answer.bound, *game.row_cut(theta, *row), row))
        else:
            replies.append(Reply(answer.bound, answer.bound, game.peak_cut(theta, answer), None))
    return replies


def by_rows(game: Game, theta: Floats) -> list[Reply]:
    """Reply with the worst row that was found of each label."""
    replies = []
    for answer in game.answers(theta):
        row = _climb(game, theta, answer)
        value, cut = game.row_cut(theta, *row)
        replies.append(Reply(value, value, cut, row))
    return replies


def _climb(game: Game, theta: Floats, answer: Answer) -> tuple[Floats, Floats]:
    """Go from the bound's rows to worse ones, each the farthest along the gradient of the one before."""
    loss, own = game.learner.loss, game.sets[answer.label]
    assert own is not None
    best, highest = answer.points[0], -np.inf
    # Mixed directions lead to rows that no single one does.
    mixed = own.maximize(theta[:-1] @ loss.combinations(answer.label) @ answer.pull).point
    starts = np.vstack([mixed, answer.points[np.argsort(-answer.pull, kind="stable")[:_STARTS]]])
    for row in starts:
        value = -np.inf
        for _ in range(_CLIMB):
            score = (row @ theta[:-1] + theta[-1])[None]
            here = float(loss.value(answer.target[None], score)[0])
            if here <= value * (1 + 1e-9):
                break
            value = here
            if value > highest:
                best, highest = row, value
            row = own.maximize(theta[:-1] @ loss.slope(answer.target[None], score)[0]).point
    return best, answer.target
