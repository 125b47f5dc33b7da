//! Texts as tokens.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use archwright_protocol::{DataSource, Split, Task, Tokens};

use super::files;
use crate::Problem;

/// Stands for every token that is not in the vocabulary.
const UNKNOWN: &str = "<unk>";
/// Ends each line of words.
const END_OF_LINE: &str = "<eos>";
/// Most different tokens; the largest corpora that are compared on words have fewer.
const MAX_VOCABULARY: usize = 300_000;
/// Fewest tokens of a part: one to read and one to predict.
const LEAST_TOKENS: usize = 2;
/// Bytes that a token takes while it is read and moved to the device.
const BYTES_PER_TOKEN: u64 = 8;

/// A text as read, its parts in the order of reading. Tokens are places in the vocabulary.
#[derive(Debug, PartialEq)]
pub struct Text {
    /// The tokens there are: `<unk>`, then those of the training part, the most frequent first.
    pub vocabulary: Vec<String>,
    /// What is learned from.
    pub train: Vec<u32>,
    /// What the search judges by.
    pub validation: Vec<u32>,
    /// What only the end of a run sees.
    pub test: Vec<u32>,
}

/// The files of a text.
struct Files {
    train: (PathBuf, String),
    validation: Option<(PathBuf, String)>,
    test: Option<(PathBuf, String)>,
}

/// Reads a text, or a folder of texts, and divides it from its start to its end: training, validation, test. The vocabulary
/// is that of the training part.
///
/// # Errors
/// Names the file, what is wrong with it and what would be right.
pub fn read(task: &Task, location: Option<&Path>) -> Result<Text, Problem> {
    let location = location.ok_or_else(|| Problem::data("ARCHWRIGHT_DATA does not say where the data lies"))?;
    let files = Files::read(location)?;
    let named = |problem: String| named(location, &problem);
    files.divide(&task.data, &task.split).map_err(named)
}

fn named(path: &Path, problem: &str) -> Problem {
    Problem::data(format!("{}: {problem}", path.display()))
}

impl Files {
    fn read(location: &Path) -> Result<Self, Problem> {
        if !location.is_dir() {
            return Ok(Self { train: text_of(location)?, validation: None, test: None });
        }
        let train = location.join("train.txt");
        if !train.is_file() {
            let problem = "it holds no train.txt: a folder of text has to, and may hold valid.txt and test.txt";
            return Err(named(location, problem));
        }
        let optional = |name: &str| {
            let path = location.join(name);
            path.exists().then(|| text_of(&path)).transpose()
        };
        Ok(Self { train: text_of(&train)?, validation: optional("valid.txt")?, test: optional("test.txt")? })
    }

    fn divide(&self, source: &DataSource, split: &Split) -> Result<Text, String> {
        let tokens = source.tokens.unwrap_or_default();
        let all = each(tokens, &self.train.1).count();
        let share = |of: usize, share: f64| (of as f64 * share).round() as usize;
        let test = if self.test.is_some() { 0 } else { share(all, split.test) };
        let validation = if self.validation.is_some() { 0 } else { share(all - test, split.validation) };
        let train = all - test - validation;
        let vocabulary = vocabulary(each(tokens, &self.train.1).take(train), source)?;
        let places: HashMap<&str, u32> =
            vocabulary.iter().enumerate().map(|(place, token)| (token.as_str(), place as u32)).collect();
        let numbered = |text: &str| -> Vec<u32> {
            each(tokens, text).map(|token| places.get(token).copied().unwrap_or(0)).collect()
        };
        let mut own = numbered(&self.train.1);
        let own_test = own.split_off(train + validation);
        let own_validation = own.split_off(train);
        let part =
            |file: &Option<(PathBuf, String)>, own: Vec<u32>| file.as_ref().map_or(own, |(_, text)| numbered(text));
        let text = Text {
            train: own,
            validation: part(&self.validation, own_validation),
            test: part(&self.test, own_test),
            vocabulary,
        };
        for (name, part) in [("training", &text.train), ("validation", &text.validation), ("test", &text.test)] {
            if part.len() < LEAST_TOKENS {
                let Split { validation, test, .. } = split;
                return Err(format!(
                    "{} tokens are left for {name}, at least {LEAST_TOKENS} are needed: the text has {all}, and the split \
                     takes {validation} for validation and {test} for the test where it has no file of its own: more text \
                     is needed, or other shares",
                    part.len()
                ));
            }
        }
        Ok(text)
    }
}

/// A file's text.
fn text_of(path: &Path) -> Result<(PathBuf, String), Problem> {
    let content = files::read(path)?;
    files::check_size((content.len() as u64).saturating_mul(BYTES_PER_TOKEN), None)
        .map_err(|problem| named(path, &format!("as tokens {problem}")))?;
    let text = String::from_utf8(content)
        .map_err(|error| named(path, &format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to())))?;
    if text.trim().is_empty() {
        return Err(named(path, "it is empty: there has to be text in it"));
    }
    Ok((path.to_owned(), text))
}

/// A text's tokens in order.
fn each(tokens: Tokens, text: &str) -> Box<dyn Iterator<Item = &str> + '_> {
    // A byte-order mark is no part of a text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match tokens {
        Tokens::Words => Box::new(text.lines().flat_map(|line| line.split_whitespace().chain([END_OF_LINE]))),
        Tokens::Characters => {
            Box::new(text.char_indices().map(|(start, character)| &text[start..start + character.len_utf8()]))
        }
    }
}

/// The tokens of the training part, the most frequent first, equals by their text.
fn vocabulary<'a>(train: impl Iterator<Item = &'a str>, source: &DataSource) -> Result<Vec<String>, String> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for token in train.filter(|token| *token != UNKNOWN) {
        *counts.entry(token).or_insert(0) += 1;
    }
    let mut ordered: Vec<(&str, u64)> = counts.into_iter().collect();
    ordered.sort_unstable_by(|(left, left_count), (right, right_count)| {
        right_count.cmp(left_count).then_with(|| left.cmp(right))
    });
    if ordered.len() < 2 {
        let only = ordered.first().map(|(token, _)| format!("{token:?}")).unwrap_or_default();
        return Err(format!("its training part has no two different tokens, only {only}: there is nothing to predict"));
    }
    let most = source.vocabulary.map_or(usize::MAX, |most| (most as usize).saturating_sub(1));
    ordered.truncate(most);
    let size = ordered.len() + 1;
    if size > MAX_VOCABULARY {
        return Err(format!(
            "its training part has {size} different tokens, more than {MAX_VOCABULARY}: give `vocabulary`, the number of \
             them to tell apart, or `tokens = \"characters\"`"
        ));
    }
    Ok(std::iter::once(UNKNOWN).chain(ordered.into_iter().map(|(token, _)| token)).map(str::to_owned).collect())
}
