"""Rows whose gradients pull together: what Sever and robust gradient descent look at."""
