//! What a new project is made of.
//!
//! A template is a file as it will be, but for placeholders: `plugin-name` is the plugin's name, `plugin_name` the same as an
//! identifier, and `SDK_PATH` the quoted path of the SDK's sources.

mod javascript;
mod python;
mod rust;

use crate::manifest::{Kind, Language};

/// A file of a project: its path in the project's folder, and its text. Placeholders stand in both.
pub(crate) type File = (&'static str, &'static str);

/// The files of a new project.
pub(crate) fn files(language: Language, kind: Kind) -> Vec<File> {
    match language {
        Language::Rust => rust::files(kind),
        Language::Python => python::files(kind),
        Language::JavaScript => javascript::files(kind),
    }
}

/// A template's text, filled in for a plugin of this name.
pub(crate) fn filled(text: &str, name: &str, sdk: &str) -> String {
    text.replace("plugin-name", name).replace("plugin_name", &name.replace('-', "_")).replace("SDK_PATH", sdk)
}
