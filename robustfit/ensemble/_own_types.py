"""Types of this library that fitted ensembles are made of, and times as groups; `load` builds them without asking."""

# SPDX-License-Identifier: BSD-3-Clause

OWN_TYPES = (
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "robustfit._meta._inputs.Container",
    "robustfit.ensemble._lean._discriminant.LinearDiscriminantFamily",
    "robustfit.ensemble._lean._discriminant.NearestCentroidFamily",
    "robustfit.ensemble._lean._family.State",
    "robustfit.ensemble._lean._gaussian.GaussianMembers",
    "robustfit.ensemble._lean._gaussian.GaussianNBFamily",
    "robustfit.ensemble._lean._kernel.Kernel",
    "robustfit.ensemble._lean._kernel.KernelMembers",
    "robustfit.ensemble._lean._kernel.KernelRidgeClassifierFamily",
    "robustfit.ensemble._lean._kernel.KernelRidgeFamily",
    "robustfit.ensemble._lean._least_squares.LinearRegressionFamily",
    "robustfit.ensemble._lean._least_squares.RidgeClassifierFamily",
    "robustfit.ensemble._lean._least_squares.RidgeFamily",
    "robustfit.ensemble._lean._linear_members.LinearClassifiers",
    "robustfit.ensemble._lean._linear_members.LinearRegressors",
    "robustfit.ensemble._lean._margin_learners.LinearSVCFamily",
    "robustfit.ensemble._lean._margin_learners.LogisticRegressionFamily",
    "robustfit.ensemble._lean._neighbors.KNeighborsClassifierFamily",
    "robustfit.ensemble._lean._neighbors.KNeighborsRegressorFamily",
    "robustfit.ensemble._lean._neighbors.NeighborMembers",
    "robustfit.ensemble._member_set.MemberSet",
    "robustfit.ensemble._partition_classifier.PartitionClassifier",
    "robustfit.ensemble._partition_regressor.PartitionRegressor",
    "robustfit.learners._adversarial_classifier.AdversarialClassifier",
    "robustfit.learners._adversarial_regressor.AdversarialRegressor",
    "robustfit.learners._kernel_ridge_classifier.KernelRidgeClassifier",
    "robustfit.partition._schema.Column",
    "robustfit.partition._schema.Schema",
    "robustfit.trimmed._lts_regressor.LTSRegressor",
    "robustfit.trimmed._robust_gradient_classifier.RobustGradientClassifier",
    "robustfit.trimmed._robust_gradient_regressor.RobustGradientRegressor",
    "robustfit.trimmed._sever_classifier.SeverClassifier",
    "robustfit.trimmed._sever_regressor.SeverRegressor",
    "robustfit.trimmed._trimmed_classifier.TrimmedClassifier",
    "robustfit.trimmed._trimmed_regressor.TrimmedRegressor",
)
"""Full names. A file chooses attributes and constructor arguments, so a type belongs here only if neither can do more
than hold values and compute: no files, no imports, no calls of what it is handed. Names are listed one by one, since a
common beginning would let a file call any function of the library.
"""
