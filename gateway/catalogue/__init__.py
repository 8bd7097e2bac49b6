"""The services that can be sold, and what partners call them."""
