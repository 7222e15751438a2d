"""Evidence read without trust: what tests claim (from source), what a run showed (reports), what is wrong (traces).

Pure functions of text and bytes that strangers wrote: nothing here imports, runs or opens anything of a project.
"""

from smaker.agents.evidence.findings import findings_from_lint, findings_from_results
from smaker.agents.evidence.junit import parse_junit
from smaker.agents.evidence.proofs import compare_proofs
from smaker.agents.evidence.readers import files_beside, is_source, is_test_file, read_tests

__all__ = [
    "compare_proofs",
    "files_beside",
    "findings_from_lint",
    "findings_from_results",
    "is_source",
    "is_test_file",
    "parse_junit",
    "read_tests",
]
