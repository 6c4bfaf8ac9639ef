//! The seeded soak.
