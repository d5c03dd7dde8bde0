"""Least trimmed squares on arrays: starts, concentration, exchange, scale and reweighting. Knows no estimator."""

# SPDX-License-Identifier: BSD-3-Clause
