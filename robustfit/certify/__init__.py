"""Votes in, guarantees out: arrays and integers, no estimators."""

from robustfit.certify._certificate import Certificate
from robustfit.certify._interval_certificate import IntervalCertificate
from robustfit.certify._plurality import plurality_radius
from robustfit.certify._threats import THREATS, CertificateError, Threat

__all__ = [
    "THREATS",
    "Certificate",
    "CertificateError",
    "IntervalCertificate",
    "Threat",
    "plurality_radius",
]
