"""What people see: tables, figures, widgets; nothing is computed here."""

from lecture_lib.display.tables import beside

__all__ = ["beside"]
