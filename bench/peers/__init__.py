"""The stores of others, with the settings that they have by default. Each module needs its library."""
