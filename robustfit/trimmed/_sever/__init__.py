"""Sever's rounds, robust gradient descent, and the coordinates it descends in."""
