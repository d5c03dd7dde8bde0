"""Linear models under the worst shift of every row: the convex problem, its dual, and two ways to solve it."""

# SPDX-License-Identifier: BSD-3-Clause
