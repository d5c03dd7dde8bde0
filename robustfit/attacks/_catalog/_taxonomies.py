"""Identifiers of public taxonomies that attacks are filed under, with their official titles."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass


@dataclass(frozen=True)
class Taxonomy:
    """A public list of threats, as far as it is about training data.

    Attributes
    ----------
    name : str
        With the edition that the titles are from.
    url : str
        Where the list is kept; ``{id}`` stands for an identifier, if each has a page of its own.
    titles : dict
        Official title of each identifier.
    """

    name: str
    url: str
    titles: dict[str, str]


ATLAS = Taxonomy(
    "MITRE ATLAS, release 2026.08",
    "https://atlas.mitre.org/techniques/{id}",
    {
        "AML.T0018.000": "Manipulate AI Model: Poison AI Model",
        # Called "Poison Training Data" before release 2026.07.
        "AML.T0020": "Training Data Poisoning",
        "AML.T0043.004": "Craft Adversarial Data: Insert Backdoor Trigger",
        "AML.T0059": "Erode Dataset Integrity",
    },
)

OWASP = Taxonomy(
    "OWASP Machine Learning Security Top Ten 2023 (ML) and OWASP Top 10 for LLM Applications, 2025 and 2026 (LLM)",
    "https://owasp.org/www-project-machine-learning-security-top-10/ and https://genai.owasp.org/llm-top-10/",
    {
        "ML02:2023": "Data Poisoning Attack",
        "ML08:2023": "Model Skewing",
        "LLM04:2025": "Data and Model Poisoning",
        "LLM05:2026": "Data and Model Poisoning",
    },
)

NIST = Taxonomy(
    "NIST AI 100-2 E2025, Adversarial Machine Learning: A Taxonomy and Terminology of Attacks and Mitigations",
    "https://doi.org/10.6028/NIST.AI.100-2e2025",
    {
        "NISTAML.012": "Clean-label Poisoning",
        "NISTAML.013": "Data Poisoning",
        "NISTAML.021": "Clean-label Backdoor",
        "NISTAML.023": "Backdoor Poisoning",
        "NISTAML.024": "Targeted Poisoning",
    },
)

TAXONOMIES: dict[str, Taxonomy] = {"atlas": ATLAS, "owasp": OWASP, "nist": NIST}
