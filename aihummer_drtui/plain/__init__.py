"""Line mode: an append-only dialogue that a screen reader or a serial console can follow."""
