"""What each vendor family can do: the catalogue, its laws, and the matcher."""

from vendor_profiles.keys import profile_schema
from vendor_profiles.loader import check_file, load_catalogue, on_request
from vendor_profiles.matcher import Catalogue, Match, Verdict, digest
from vendor_profiles.readers import Problem
from vendor_profiles.schema import CatalogueProblem, Reading, read_profiles

__all__ = [
    "Catalogue",
    "CatalogueProblem",
    "Match",
    "Problem",
    "Reading",
    "Verdict",
    "check_file",
    "digest",
    "load_catalogue",
    "on_request",
    "profile_schema",
    "read_profiles",
]
