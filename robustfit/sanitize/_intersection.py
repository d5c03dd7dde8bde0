"""Where rows may lie that several sanitizers keep."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.certify import CutSet, Slab, Sphere, SphereSlab


def intersection(sets):
    """Return a feasible set that contains the intersection of several.

    Parameters
    ----------
    sets : list of FeasibleSet or None
        None if one is not known.

    Returns
    -------
    FeasibleSet or None
        The bounded set of smallest reach, cut by all slabs: the intersection itself if one set is bounded. None if a
        set is not known, or if several have no end.
    """
    if any(found is None for found in sets):
        return None
    if len(sets) == 1:
        return sets[0]
    slabs = [Slab(found.center, found.normal, found.width) for found in sets if isinstance(found, SphereSlab)]
    slabs += [found for found in sets if isinstance(found, Slab)]
    bounded = [_ball(found) for found in sets if not isinstance(found, Slab)]
    bounded = [found for found in bounded if np.isfinite(found.reach)]
    if not bounded:
        return None
    region = min(bounded, key=lambda found: found.reach)
    for slab in slabs:
        region = _cut(region, slab)
    return region


def _ball(found):
    """The sphere of a set that is a sphere and a slab, whose slab is counted among the slabs."""
    return found.sphere if isinstance(found, SphereSlab) else found


def _cut(region, slab):
    if not slab.normal.any() or not np.isfinite(slab.width):
        return region
    if isinstance(region, Sphere) and np.array_equal(region.center, slab.center):
        return SphereSlab(region.center, region.radius, slab.normal, slab.width)
    # Outwards by more than the inner product rounds.
    middle = float(slab.normal @ slab.center)
    scale = np.linalg.norm(slab.normal) * (np.linalg.norm(slab.center) + region.reach) + slab.width
    width = slab.width + 4 * (len(slab.normal) + 8) * np.finfo(np.float64).eps * float(scale)
    try:
        return CutSet(region, slab.normal, low=middle - width, high=middle + width)
    except ValueError:
        # Too thin to find a point of it. Uncut it contains the intersection, too.
        return region
