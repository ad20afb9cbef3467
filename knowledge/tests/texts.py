"""What the tests teach."""

from __future__ import annotations

# Each longer than what chunking would merge with its neighbours.
WARRANTY = (
    "The Aeris One is covered by a warranty of 36 months from the day of purchase. It covers the fan, the sensor and "
    "the mains adapter, but neither filters nor damage by water."
)
RETURNS = (
    "Unused devices may be sent back within 30 days, and the refund is paid within five working days. Please write "
    "the number of the order on the parcel and keep the receipt of the post office."
)
CALIBRATION = (
    "Calibrate the sensor every 6 months with the blue calibration cap that came in the box. Put the cap on, hold the "
    "left button until the lamp turns green, and wait for two minutes."
)
HANDBOOK = f"# Warranty\n\n{WARRANTY}\n\n# Returns\n\n{RETURNS}\n\n# Calibration\n\n{CALIBRATION}\n"
