# SPDX-License-Identifier: Apache-2.0
"""A Django project with MFA: ``python -m examples.django_site``."""
