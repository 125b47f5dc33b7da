//! Loads search strategies, estimators and search spaces as sandboxed WebAssembly components.
