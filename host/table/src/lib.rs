//! Benchmark tables: what somebody measured of the architectures of a search space, once, so that search methods can be
//! compared in seconds (NAS-Bench-101, Ying et al. 2019; NAS-Bench-201, Dong & Yang 2020).
//!
//! [`import`] reads a CSV, JSON or Parquet file, checks every architecture against its space and writes a compact file;
//! [`Table`] maps that into memory and looks measurements up.

mod column;
mod error;
mod gather;
mod import;
mod layout;
mod point;
mod rows;
mod table;

pub use column::{Measure, Role, assignment};
pub use error::TableError;
pub use import::{Import, Imported, Left, import};
pub use layout::{ColumnSummary, Head, Source};
pub use point::decisions;
pub use rows::ENDINGS;
pub use table::{Column, Table};
