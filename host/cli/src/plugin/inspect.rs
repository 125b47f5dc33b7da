//! What a plugin says of itself.

use std::process::ExitCode;

use super::{kind_name, load, summary};
use crate::locations::Locations;
use crate::options;
use crate::outcome::{CliError, Output};

pub(super) fn inspect(plugin: &str, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let engine = locations.engine()?;
    let component = load(&engine, plugin, locations)?;
    if output.json {
        output.value(&summary(component.kind(), component.name(), &component))?;
        return Ok(ExitCode::SUCCESS);
    }
    let description = component.description();
    let or_nothing = |list: &[String]| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    let mut text = format!(
        "{} {} ({})\n{}\n\nreferences  {}\nneeds       {}\ngives       {}\ndigest      {}\n\n",
        description.name,
        description.version,
        kind_name(component.kind()),
        description.summary,
        or_nothing(&description.references),
        or_nothing(&description.needs),
        or_nothing(&description.gives),
        component.digest(),
    );
    text.push_str(&options::described(&description.options_schema));
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}
