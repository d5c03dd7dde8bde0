"""Who looks poisoned: score rows, keep or drop them."""

from robustfit.sanitize._sphere_sanitizer import SphereSanitizer

__all__ = ["SphereSanitizer"]
