//! Architectures that somebody chose: asks for each of them once.

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;

/// Options of given architectures.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The architectures, each as the values of its active decisions by their names, as `archwright space locate` prints
    /// them.
    pub architectures: Vec<BTreeMap<String, String>>,
    /// Ask for none of them, but name them as what was found: they are trained in full at once.
    pub untried: bool,
}

/// Given architectures.
pub struct Fixed {
    architectures: Vec<Architecture>,
    untried: bool,
    next: usize,
}

impl Strategy for Fixed {
    const NAME: &'static str = "fixed";
    const SUMMARY: &'static str = "Architectures that you name, each once";
    type Options = Options;

    fn open(setup: Setup, options: Options, _: Space) -> Result<Self, Error> {
        let read = |(place, labels): (usize, &BTreeMap<String, String>)| {
            point(&setup.decisions, labels)
                .map_err(|problem| Error::InvalidOptions(format!("architectures[{place}]: {problem}")))
        };
        let architectures = options.architectures.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { architectures, untried: options.untried, next: 0 })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let left = if self.untried { &[] } else { &self.architectures[self.next..] };
        let queries: Vec<Query> = (self.next..)
            .zip(left.iter().take(capacity))
            .map(|(id, one)| Query::full(id as u64, one.clone()))
            .collect();
        self.next += queries.len();
        Ok(if queries.is_empty() { Reply::Finished } else { Reply::Queries(queries) })
    }

    fn tell(&mut self, _: &[Observation]) -> Result<(), Error> {
        Ok(())
    }

    fn recommend(&mut self) -> Vec<Architecture> {
        if self.untried { self.architectures.clone() } else { Vec::new() }
    }
}

/// The point with these values; the host checks whether it meets the space's constraints.
fn point(decisions: &[Decision], labels: &BTreeMap<String, String>) -> Result<Architecture, String> {
    if let Some(unknown) = labels.keys().find(|name| !decisions.iter().any(|decision| decision.name == **name)) {
        return Err(format!("the space has no decision `{unknown}`"));
    }
    let value = |decision: &Decision| match labels.get(&decision.name) {
        None => Ok(Value::Inactive),
        Some(text) => {
            decision.domain.read(text).ok_or_else(|| format!("`{text}` is none of the values of `{}`", decision.name))
        }
    };
    decisions.iter().map(value).collect::<Result<_, _>>().map(Architecture::Point)
}

archwright_sdk::export_strategy!(Fixed);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    const EDGES: [&str; 6] = ["0-1", "0-2", "1-2", "0-3", "1-3", "2-3"];

    fn labels(operations: [&str; 6]) -> BTreeMap<String, String> {
        EDGES.iter().zip(operations).map(|(edge, label)| (format!("cell/edge-{edge}"), label.to_owned())).collect()
    }

    fn open(architectures: Vec<BTreeMap<String, String>>, untried: bool) -> Result<Fixed, Error> {
        let space = bundled_space("nas-bench-201");
        Fixed::open(setup(&space, 0), Options { architectures, untried }, space)
    }

    #[test]
    fn asks_for_each_once_in_order() {
        let skips = labels(["skip_connect"; 6]);
        let poolings = labels(["avg_pool_3x3"; 6]);
        let mut fixed = open(vec![skips.clone(), poolings, skips], false).unwrap();
        let asked: Vec<Architecture> = run(&mut fixed, 10, 2, |_| Some(0.5))
            .into_iter()
            .map(|(query, _)| match query.subject {
                Subject::Architecture(architecture) => architecture,
                Subject::Relaxation(_) => panic!("a relaxation"),
            })
            .collect();
        let all = |index| Architecture::Point(vec![Value::Index(index); 6]);
        assert_eq!(asked, [all(1), all(4), all(1)]);
        assert_eq!(fixed.recommend(), []);
    }

    #[test]
    fn untried_ones_are_what_is_found() {
        let mut fixed = open(vec![labels(["none"; 6])], true).unwrap();
        assert_eq!(fixed.ask(3), Ok(Reply::Finished));
        assert_eq!(fixed.recommend(), [Architecture::Point(vec![Value::Index(0); 6])]);
    }

    #[test]
    fn what_is_no_architecture_is_named() {
        let refused = |architecture: BTreeMap<String, String>| match open(vec![architecture], false) {
            Err(Error::InvalidOptions(problem)) => problem,
            other => panic!("{:?}", other.map(|_| ())),
        };
        let mut wrong = labels(["none"; 6]);
        wrong.insert("cell/edge-0-1".into(), "nothing".into());
        assert_eq!(refused(wrong), "architectures[0]: `nothing` is none of the values of `cell/edge-0-1`");
        let unknown = BTreeMap::from([("depth".to_owned(), "3".to_owned())]);
        assert_eq!(refused(unknown), "architectures[0]: the space has no decision `depth`");
    }
}
