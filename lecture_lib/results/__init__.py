"""What the lecture's tables say, what we measured, and what follows from the two."""

from lecture_lib.results.claims import numbers, paired_claim, verdicts
from lecture_lib.results.intervals import mean_over_classes
from lecture_lib.results.records import average, claims_of, made_by, read, save
