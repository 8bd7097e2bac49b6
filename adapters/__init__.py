"""Pure translation between partners' documents and the canonical order. No I/O, no clock, no database."""
