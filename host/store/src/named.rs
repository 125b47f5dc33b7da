//! What runs name and need.

use std::collections::HashSet;

use rusqlite::Connection;
use serde_json::Value;

use crate::{RunId, Store, StoreError, run};

/// Every string in what is recorded of runs. A digest that is not among them is named by no run.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// In settings.
    pub(crate) settings: HashSet<String>,
    /// In results.
    pub(crate) results: HashSet<String>,
}

impl Store {
    /// What runs name.
    ///
    /// # Errors
    /// Where a run is damaged: what it names is not known.
    pub(crate) fn named(&self, connection: &Connection) -> Result<Named, StoreError> {
        let mut named = Named::default();
        let mut statement =
            connection.prepare_cached("SELECT id, settings, result FROM run").map_err(self.reading())?;
        let mut rows = statement.query([]).map_err(self.reading())?;
        while let Some(row) = rows.next().map_err(self.reading())? {
            let run = RunId(row.get(0).map_err(self.reading())?);
            for (column, strings) in [(1, &mut named.settings), (2, &mut named.results)] {
                let content = row.get_ref(column).and_then(|value| Ok(value.as_bytes_or_null()?));
                let Some(content) = content.map_err(self.reading())? else { continue };
                let what = if column == 1 { "settings" } else { "result" };
                let value = serde_json::from_slice(content);
                collect(value.map_err(|error| run::damaged(run, format!("{what}: {error}")))?, strings);
            }
        }
        Ok(named)
    }

    /// The outcomes that runs used which are not finished: these can go on, and will need them.
    pub(crate) fn needed_outcomes(&self, connection: &Connection) -> Result<HashSet<String>, StoreError> {
        connection
            .prepare_cached("SELECT DISTINCT key FROM used JOIN run ON run.id = used.run WHERE status <> 'finished'")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(self.reading())
    }
}

fn collect(value: Value, strings: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            strings.insert(text);
        }
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, strings)),
        Value::Object(values) => values.into_iter().for_each(|(_, value)| collect(value, strings)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
