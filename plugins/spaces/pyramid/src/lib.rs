//! The search space pyramid.
