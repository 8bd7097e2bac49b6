"""TM Forum's open APIs: TMF641 Service Ordering 4.1, and TMF646 Appointment 4.0 for when somebody comes."""
