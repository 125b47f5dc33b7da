//! The search strategy local-search.
