//! Simulated annealing: a random neighbour is accepted when it is better, or worse with a probability that falls
//! (Kirkpatrick, Gelatt & Vecchi 1983).

use archwright_sdk::prelude::*;

/// Options of simulated annealing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Loss of the first objective that is accepted with probability 1/e at first.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub temperature: f64,
    /// Factor of the temperature after each observation.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub cooling: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { temperature: 0.05, cooling: 0.97 }
    }
}

/// Simulated annealing.
pub struct SimulatedAnnealing {
    space: Space,
    rng: Rng,
    archive: Archive,
    temperature: f64,
    cooling: f64,
    current: Option<Member>,
}

impl Strategy for SimulatedAnnealing {
    const NAME: &'static str = "simulated-annealing";
    const SUMMARY: &'static str = "Random neighbours, worse ones accepted ever more rarely (Kirkpatrick et al. 1983)";
    const REFERENCES: &'static [&'static str] = &["doi:10.1126/science.220.4598.671"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        Ok(Self {
            space,
            rng: Rng::new(setup.seed),
            archive: Archive::new(&setup.objectives),
            temperature: options.temperature,
            cooling: options.cooling,
            current: None,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        for _ in 0..capacity {
            let seed = self.rng.next_u64();
            let (architecture, parent) = match &self.current {
                Some(current) => (self.space.mutate(&current.architecture, seed)?, Some(current.query)),
                None => (self.space.sample(seed), None),
            };
            let id = self.archive.ask(architecture.clone());
            queries.push(Query { parent, ..Query::full(id, architecture) });
        }
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            let Ok(member) = self.archive.tell(observation)? else { continue };
            let goal = self.archive.goal();
            let accepted = self.current.as_ref().is_none_or(|current| {
                let loss = (member.value - current.value).abs();
                goal.is_better(member.value, current.value) || self.rng.uniform() < (-loss / self.temperature).exp()
            });
            if accepted {
                self.current = Some(member);
            }
            self.temperature *= self.cooling;
        }
        Ok(())
    }
}

archwright_sdk::export_strategy!(SimulatedAnnealing);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    #[test]
    fn climbs() {
        let space = bundled_space("nas-bench-201");
        let mut annealing = SimulatedAnnealing::open(setup(&space, 0), Options::default(), space).unwrap();
        let history = run(&mut annealing, 200, 1, |architecture| {
            let Architecture::Point(values) = architecture else { return None };
            Some(values.iter().filter(|value| **value == Value::Index(3)).count() as f64 / 6.0)
        });
        let late: f64 = history[150..].iter().filter_map(|(_, value)| *value).sum::<f64>() / 50.0;
        let early: f64 = history[..50].iter().filter_map(|(_, value)| *value).sum::<f64>() / 50.0;
        assert!(late > early, "{early} {late}");
    }
}
