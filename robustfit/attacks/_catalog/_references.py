"""Publications that the attacks come from."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._catalog._entry import Reference

ALQALLAF_2009 = Reference(
    "F. Alqallaf, S. Van Aelst, V. J. Yohai and R. H. Zamar",
    "Propagation of Outliers in Multivariate Data",
    "The Annals of Statistics 37(1),",
    2009,
)
BARACALDO_2017 = Reference(
    "N. Baracaldo, B. Chen, H. Ludwig and J. A. Safavi",
    "Mitigating Poisoning Attacks on Machine Learning Models: A Data Provenance Based Approach",
    "AISec",
    2017,
)
BIGGIO_2011 = Reference(
    "B. Biggio, B. Nelson and P. Laskov",
    "Support Vector Machines Under Adversarial Label Noise",
    "ACML",
    2011,
)
BIGGIO_2012 = Reference(
    "B. Biggio, B. Nelson and P. Laskov",
    "Poisoning Attacks against Support Vector Machines",
    "ICML",
    2012,
)
BIGGIO_2018 = Reference(
    "B. Biggio and F. Roli",
    "Wild Patterns: Ten Years After the Rise of Adversarial Machine Learning",
    "Pattern Recognition 84,",
    2018,
)
BRODERICK_2020 = Reference(
    "T. Broderick, R. Giordano and R. Meager",
    "An Automatic Finite-Sample Robustness Metric: When Can Dropping a Little Data Make a Big Difference?",
    "arXiv:2011.14999,",
    2020,
)
DIAKONIKOLAS_2016 = Reference(
    "I. Diakonikolas, G. Kamath, D. M. Kane, J. Li, A. Moitra and A. Stewart",
    "Robust Estimators in High Dimensions without the Computational Intractability",
    "FOCS",
    2016,
)
DOUCEUR_2002 = Reference(
    "J. R. Douceur",
    "The Sybil Attack",
    "IPTPS",
    2002,
)
EIBEN_2015 = Reference(
    "A. E. Eiben and J. E. Smith",
    "Introduction to Evolutionary Computing",
    "Springer",
    2015,
)
GU_2017 = Reference(
    "T. Gu, B. Dolan-Gavitt and S. Garg",
    "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain",
    "arXiv:1708.06733,",
    2017,
)
JAGIELSKI_2018 = Reference(
    "M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li",
    "Manipulating Machine Learning: Poisoning Attacks and Countermeasures for Regression Learning",
    "IEEE Symposium on Security and Privacy",
    2018,
)
JAGIELSKI_2021 = Reference(
    "M. Jagielski, G. Severi, N. Pousette Harger and A. Oprea",
    "Subpopulation Data Poisoning Attacks",
    "ACM CCS",
    2021,
)
JIA_2021 = Reference(
    "J. Jia, X. Cao and N. Z. Gong",
    "Intrinsic Certified Robustness of Bagging against Data Poisoning Attacks",
    "AAAI",
    2021,
)
JIA_2022 = Reference(
    "J. Jia, Y. Liu, X. Cao and N. Z. Gong",
    "Certified Robustness of Nearest Neighbors against Data Poisoning and Backdoor Attacks",
    "AAAI",
    2022,
)
KOH_2017 = Reference(
    "P. W. Koh and P. Liang",
    "Understanding Black-box Predictions via Influence Functions",
    "ICML",
    2017,
)
KOH_2022 = Reference(
    "P. W. Koh, J. Steinhardt and P. Liang",
    "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
    "Machine Learning 111,",
    2022,
)
LEVINE_2021 = Reference(
    "A. Levine and S. Feizi",
    "Deep Partition Aggregation: Provable Defenses against General Poisoning Attacks",
    "ICLR",
    2021,
)
LU_2023 = Reference(
    "Y. Lu, G. Kamath and Y. Yu",
    "Exploring the Limits of Model-Targeted Indiscriminate Data Poisoning Attacks",
    "ICML",
    2023,
)
MEI_2015 = Reference(
    "S. Mei and X. Zhu",
    "Using Machine Teaching to Identify Optimal Training-Set Attacks on Machine Learners",
    "AAAI",
    2015,
)
MUNOZ_2017 = Reference(
    "L. Muñoz-González, B. Biggio, A. Demontis, A. Paudice, V. Wongrassamee, E. C. Lupu and F. Roli",
    "Towards Poisoning of Deep Learning Algorithms with Back-gradient Optimization",
    "AISec",
    2017,
)
NICOLAE_2018 = Reference(
    "M.-I. Nicolae et al.",
    "Adversarial Robustness Toolbox v1.0.0",
    "arXiv:1807.01069,",
    2018,
)
PAUDICE_2018 = Reference(
    "A. Paudice, L. Muñoz-González and E. C. Lupu",
    "Label Sanitization Against Label Flipping Poisoning Attacks",
    "ECML PKDD Workshops",
    2018,
)
PINTOR_2022 = Reference(
    "M. Pintor, L. Demetrio, A. Sotgiu, M. Melis, A. Demontis and B. Biggio",
    "secml: Secure and Explainable Machine Learning in Python",
    "SoftwareX",
    2022,
)
SHAFAHI_2018 = Reference(
    "A. Shafahi, W. R. Huang, M. Najibi, O. Suciu, C. Studer, T. Dumitras and T. Goldstein",
    "Poison Frogs! Targeted Clean-Label Poisoning Attacks on Neural Networks",
    "NeurIPS",
    2018,
)
STEINHARDT_2017 = Reference(
    "J. Steinhardt, P. W. Koh and P. Liang",
    "Certified Defenses for Data Poisoning Attacks",
    "NeurIPS",
    2017,
)
SUYA_2021 = Reference(
    "F. Suya, S. Mahloujifar, A. Suri, D. Evans and Y. Tian",
    "Model-Targeted Poisoning Attacks with Provable Convergence",
    "ICML",
    2021,
)
TRAMER_2020 = Reference(
    "F. Tramèr, N. Carlini, W. Brendel and A. Madry",
    "On Adaptive Attacks to Adversarial Example Defenses",
    "NeurIPS",
    2020,
)
TURNER_2019 = Reference(
    "A. Turner, D. Tsipras and A. Madry",
    "Label-Consistent Backdoor Attacks",
    "arXiv:1912.02771,",
    2019,
)
XIAO_2012 = Reference(
    "H. Xiao, H. Xiao and C. Eckert",
    "Adversarial Label Flips Attack on Support Vector Machines",
    "ECAI",
    2012,
)
XIAO_2015 = Reference(
    "H. Xiao, B. Biggio, G. Brown, G. Fumera, C. Eckert and F. Roli",
    "Is Feature Selection Secure against Training Data Poisoning?",
    "ICML",
    2015,
)
