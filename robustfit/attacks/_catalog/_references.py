"""Publications that the attacks come from."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._catalog._entry import Reference

BIGGIO_2011 = Reference(
    "B. Biggio, B. Nelson and P. Laskov", "Support Vector Machines Under Adversarial Label Noise", "ACML", 2011
)
BIGGIO_2012 = Reference(
    "B. Biggio, B. Nelson and P. Laskov", "Poisoning Attacks against Support Vector Machines", "ICML", 2012
)
BRODERICK_2020 = Reference(
    "T. Broderick, R. Giordano and R. Meager",
    "An Automatic Finite-Sample Robustness Metric: When Can Dropping a Little Data Make a Big Difference?",
    "arXiv:2011.14999,",
    2020,
)
JAGIELSKI_2018 = Reference(
    "M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li",
    "Manipulating Machine Learning: Poisoning Attacks and Countermeasures for Regression Learning",
    "IEEE Symposium on Security and Privacy",
    2018,
)
JIA_2021 = Reference(
    "J. Jia, X. Cao and N. Z. Gong",
    "Intrinsic Certified Robustness of Bagging against Data Poisoning Attacks",
    "AAAI",
    2021,
)
PAUDICE_2018 = Reference(
    "A. Paudice, L. Muñoz-González and E. C. Lupu",
    "Label Sanitization Against Label Flipping Poisoning Attacks",
    "ECML PKDD Workshops",
    2018,
)
XIAO_2012 = Reference(
    "H. Xiao, H. Xiao and C. Eckert", "Adversarial Label Flips Attack on Support Vector Machines", "ECAI", 2012
)
