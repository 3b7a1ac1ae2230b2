"""What the older baselines of the lecture's tables need alone: their record, which notebooks 02, 03 and 09 show."""
