//! Evolution by tournaments: of two random members the worse dies and the better has a mutated child (Real et al. 2017), or
//! the best of a larger tournament has one and nobody dies (Liu et al. 2018).

mod living;

use archwright_sdk::prelude::*;

use living::{Living, Tournament};

/// Options of evolution by tournaments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures alive at once; so many random ones come first. 1,000 in Real et al. 2017, 200 in Liu et al. 2018.
    #[schemars(range(min = 2, max = 100_000))]
    pub population_size: u32,
    /// Share of the population that is drawn for a tournament, above 0, two members at least. Left out, two members are
    /// (Real et al. 2017, section 3.1); 0.05 in Liu et al. 2018.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub tournament_share: Option<f64>,
    /// Who dies for a child: the "worst" of the tournament (Real et al. 2017, section 3.1), or "nobody" (Liu et al. 2018).
    pub death: Death,
}

/// Who dies for a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// The worst of the tournament.
    Worst,
    /// Nobody: the population grows.
    Nobody,
}

impl Default for Options {
    fn default() -> Self {
        Self { population_size: 1_000, tournament_share: None, death: Death::Worst }
    }
}

/// Evolution by tournaments.
pub struct TournamentEvolution {
    space: Space,
    options: Options,
    rng: Rng,
    archive: Archive,
    living: Living,
    /// Random architectures asked for so far.
    founders: u32,
}

impl Strategy for TournamentEvolution {
    const NAME: &'static str = "tournament-evolution";
    const SUMMARY: &'static str = "Of two members the worse dies, the better has a mutated child (Real et al. 2017)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1703.01041", "arXiv:1711.00436"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        if options.population_size < 2 {
            return Err(Error::InvalidOptions("`population_size` has to be at least 2".into()));
        }
        if options.tournament_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err(Error::InvalidOptions("`tournament_share` has to be above 0 and at most 1".into()));
        }
        if setup.max_queries.is_some_and(|queries| queries <= options.population_size.into()) {
            log(
                LogLevel::Warn,
                &format!(
                    "the budget is spent on the {} random architectures of the first population: lower \
                     `population_size` to evolve",
                    options.population_size
                ),
            );
        }
        let archive = Archive::new(&setup.objectives);
        let living = Living::new(archive.goal());
        Ok(Self { space, options, rng: Rng::new(setup.seed), archive, living, founders: 0 })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let queries = (0..capacity).map(|_| self.query()).collect::<Result<_, _>>()?;
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            // What failed has no value and joins nobody. Neither does what has no value that could be compared.
            match self.archive.tell(observation)? {
                Ok(member) if member.value.is_finite() => self.living.add(member),
                _ => {}
            }
        }
        Ok(())
    }
}

impl TournamentEvolution {
    /// A founder while the first population is incomplete, or too few live for a tournament; otherwise a child.
    fn query(&mut self) -> Result<Query, Error> {
        if self.founders < self.options.population_size || self.living.len() < 2 {
            self.founders = self.founders.saturating_add(1);
            let founder = self.space.sample(self.rng.next_u64());
            return Ok(Query::full(self.archive.ask(founder.clone()), founder));
        }
        let size = match self.options.tournament_share {
            None => 2,
            Some(share) => ((share * self.living.len() as f64).round() as usize).max(2),
        };
        let Tournament { best: parent, worst } = self.living.tournament(size, &mut self.rng);
        if self.options.death == Death::Worst && self.is_full() {
            self.living.remove(worst);
        }
        let child = self.space.mutate(&parent.architecture, self.rng.next_u64())?;
        Ok(Query { parent: Some(parent.query), ..Query::full(self.archive.ask(child.clone()), child) })
    }

    /// Whether somebody has to die for a child. Children in flight count: each took somebody's place, and where one failed
    /// nobody dies for the next. At least half of the population stays, however many are in flight.
    fn is_full(&self) -> bool {
        let size = self.options.population_size as usize;
        self.living.len() + self.archive.in_flight() >= size && self.living.len() > size.div_ceil(2)
    }
}

archwright_sdk::export_strategy!(TournamentEvolution);

#[cfg(test)]
mod tests;
