"""Training runs that differ in their objective alone, for the questions of negatives and temperature."""
