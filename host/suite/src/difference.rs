//! What a lock has that is otherwise here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::suite::Labels;

/// What differs between two values, each with its path. In lists of things with labels, those with the same labels are
/// compared; what differs alike in several of them is told once.
pub(crate) fn differences(recorded: &Value, here: &Value) -> Vec<String> {
    let mut found = Found::default();
    found.compare(None, "", recorded, here);
    found.told()
}

#[derive(Default)]
struct Found {
    /// What differs, in the order in which it was found, and in which of the things with labels.
    texts: Vec<(String, Vec<String>)>,
    places: BTreeMap<String, usize>,
    /// Things with the same labels in both.
    labelled: usize,
}

impl Found {
    fn differs(&mut self, of: Option<&Labels>, path: &str, what: &str) {
        let text = if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") };
        let next = self.texts.len();
        let place = *self.places.entry(text.clone()).or_insert(next);
        if place == next {
            self.texts.push((text, Vec::new()));
        }
        self.texts[place].1.extend(of.map(Labels::to_string));
    }

    fn compare(&mut self, of: Option<&Labels>, path: &str, recorded: &Value, here: &Value) {
        let within = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match (recorded, here) {
            (Value::Object(left), Value::Object(right)) => {
                let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
                let of_map = |map: &Map<String, Value>, key: &String| map.get(key).cloned().unwrap_or(Value::Null);
                for key in keys {
                    self.compare(of, &within(key), &of_map(left, key), &of_map(right, key));
                }
            }
            (Value::Array(left), Value::Array(right)) => match (labelled(left), labelled(right)) {
                (Some(left), Some(right)) if of.is_none() => self.by_labels(&left, &right),
                _ if left.len() == right.len() => {
                    for (place, (left, right)) in left.iter().zip(right).enumerate() {
                        self.compare(of, &within(&place.to_string()), left, right);
                    }
                }
                _ => self.differs(of, path, &format!("the lock has {recorded}, here is {here}")),
            },
            _ if recorded == here => {}
            _ => self.differs(of, path, &format!("the lock has {recorded}, here is {here}")),
        }
    }

    fn by_labels(&mut self, left: &BTreeMap<Labels, &Value>, right: &BTreeMap<Labels, &Value>) {
        for (labels, recorded) in left {
            match right.get(labels) {
                Some(here) => {
                    self.labelled += 1;
                    self.compare(Some(labels), "", recorded, here);
                }
                None => self.differs(None, "", &format!("the lock has {labels}, which is not here")),
            }
        }
        for labels in right.keys().filter(|labels| !left.contains_key(labels)) {
            self.differs(None, "", &format!("here is {labels}, which the lock does not have"));
        }
    }

    fn told(self) -> Vec<String> {
        let all = self.labelled;
        let told = self.texts.into_iter().map(|(text, of)| match &of[..] {
            [] => text,
            [one] => format!("{one}: {text}"),
            several if several.len() == all => text,
            [first, others @ ..] => format!("{first}, and {} more: {text}", others.len()),
        });
        told.collect()
    }
}

/// A list of things that have labels each, by these.
fn labelled(list: &[Value]) -> Option<BTreeMap<Labels, &Value>> {
    let one = |value| Some((serde_json::from_value(Value::clone(value).get_mut("labels")?.take()).ok()?, value));
    list.iter().map(one).collect()
}
