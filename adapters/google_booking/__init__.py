"""Google's Actions Center: its booking server in version 3, and news of bookings to the Maps Booking API."""
