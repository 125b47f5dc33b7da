//! The performance estimation strategy low-fidelity.
